import fc from "fast-check";
import { expect, test } from "vitest";
import type { LearnerQuery } from "../../../src/remote/replica/queries";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { filterColumns, parseFilter, quote } from "../../../src/scheduler/state/filter";
import { matches } from "../../../src/scheduler/state/matches";
import { textOf } from "../../../src/scheduler/state/parameters";
import { asLearnerId, learnerStates } from "../../../src/scheduler/state/rows";
import { firstChanges } from "../scheduler/runFixture";
import { databaseOf, replicaOf } from "./replicaOf";
import { assigned, done, numbered, submitted, submitting } from "./runHistory";

const learners = 8;
const byPosition = { orderBy: "position", descending: false, offset: 0, limit: 100 } as const;

/** The changes that give the first learners these combos. */
function withCombos(combos: readonly object[]): NewChange {
  const learner = { type: "Learner1D", bounds: null, resourceClass: "default" };
  const revised = combos.map((combo, i) => ({ id: asLearnerId(i), position: i, combo: JSON.stringify(combo) }));
  return { kind: "learnersRevised", learners: revised.map((row) => ({ ...row, ...learner })) };
}

const names = ["offset", "name", "Größe ö", `a "b" \\ c=d`, "state", "", "__proto__"];
const number = fc.oneof(fc.constantFrom(0, 0.1 + 0.2, 1e-7, -1.5, 1_234_567, 1e6 + 1), fc.double({ noNaN: true }));
const text = fc.oneof(fc.constantFrom("it's", "Größe", "GRO\u0308SSE", "5", "0.3", "true", "%_"), fc.string());
const value = fc.oneof(
  number,
  text,
  fc.boolean(),
  fc.constant(null),
  fc.array(number, { maxLength: 3 }),
  fc.constant({ $repr: "Material('lead')" }),
  fc.dictionary(fc.string(), text, { maxKeys: 2 }),
);
const combo = fc.dictionary(fc.constantFrom(...names), value);
const course: fc.Arbitrary<NewChange> = fc.oneof(
  fc.array(combo, { maxLength: learners }).map(withCombos),
  fc.nat(learners - 1).map((learner) => assigned(learner, learner)),
  fc.tuple(fc.nat(learners - 1), fc.nat(9), number).map(([l, npoints, loss]) => done(l, l, npoints, loss)),
);

const numberWord = fc.constantFrom("0.3", "0.30000000000000004", "-1.5", "1e-7", "1234567", "1e6", "5");
const equality = fc.constantFrom("=", "!=", "~", "!~");
const condition = fc.oneof(
  fc.tuple(fc.constantFrom(...names).map(quote), equality, fc.oneof(numberWord, value.map(textOf).map(quote))),
  fc.tuple(fc.constantFrom(...names).map(quote), fc.constantFrom("<", "<=", ">", ">="), numberWord),
  fc.tuple(fc.constantFrom("npoints", "loss", "id", "failures"), fc.constantFrom("<", ">=", "=", "!="), numberWord),
  fc.tuple(fc.constant("state"), fc.constantFrom("=", "!="), fc.constantFrom(...learnerStates)),
  fc.tuple(fc.constantFrom("fname", "error", "type", "remark"), equality, text.map(quote)),
  fc.tuple(text.map(quote)),
);
const filter = fc
  .array(condition, { minLength: 1, maxLength: 2 })
  .map((all) => all.map((one) => one.join("")).join(" "));

test("learners are sorted by a parameter: numbers, then texts, and what has none last in either direction", async () => {
  const combos = [{ a: 10 }, { a: 9 }, { a: "x" }, { b: 1 }, { a: -0.5 }, {}, { a: "b" }, { a: 9 }];
  const replica = await replicaOf(numbered([...firstChanges(learners), withCombos(combos)]));
  const ids = (set: Partial<LearnerQuery>) => {
    const query = { ...byPosition, orderBy: "parameter:a", ...set } as const;
    return replica.query("learners", query).rows.map(({ id }) => id);
  };
  expect(ids({})).toEqual([4, 1, 7, 0, 6, 2, 3, 5]);
  expect(ids({ descending: true })).toEqual([2, 6, 0, 7, 1, 4, 5, 3]);
  expect(ids({ descending: true, offset: 5, limit: 2 })).toEqual([4, 5]);
  expect(ids({ filter: "a>=9" })).toEqual([1, 7, 0]);
  expect(ids({ orderBy: `parameter:a" OR 1; --` })).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  replica.close();
});

test("a filter finds in the replica what it finds in the rows, also along with changes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(combo, { minLength: learners, maxLength: learners }),
      fc.array(fc.tuple(filter, fc.array(course, { maxLength: 3 })), { minLength: 1, maxLength: 3 }),
      async (combos, courses) => {
        const changes = numbered([
          ...firstChanges(learners),
          withCombos(combos),
          submitting(learners),
          submitted(learners),
          ...courses.flatMap(([, some]) => some),
        ]);
        let at = changes.length - courses.flatMap(([, some]) => some).length;
        const replica = await replicaOf(changes.slice(0, at));
        const whole = await databaseOf(changes.slice(0, at));
        for (const [written, some] of courses) {
          const expectSame = (): void => {
            const rows = whole.rows("learners", "ORDER BY position, id").filter(matches(parseFilter(written)));
            const page = replica.query("learners", { ...byPosition, filter: written });
            expect(page).toEqual({ total: rows.length, offset: 0, rows });
            const counts = replica.query("matches", { filter: written });
            for (const state of learnerStates) {
              const inState = rows.filter((row) => row.state === state);
              expect(counts[state]).toBe(inState.length);
              const choice = { filter: written, states: [state] };
              expect(replica.query("learnerIds", choice)).toEqual(inState.map(({ id }) => id));
            }
          };
          expectSame();
          const next = changes.slice(at, at + some.length);
          at += some.length;
          replica.applyChanges(next);
          whole.apply(next.flatMap(effects));
          expectSame();
        }
        replica.close();
        whole.close();
      },
    ),
    { numRuns: 40 },
  );
});

test("more than are sorted for a page come in the same order", async () => {
  const count = 2500;
  const replica = await replicaOf(numbered(firstChanges(count)));
  const query: LearnerQuery = { ...byPosition, descending: true, filter: "offset>=10" };
  const { total, rows } = replica.query("learners", query);
  expect([total, rows[0]?.id, rows.at(-1)?.id]).toEqual([count - 10, count - 1, count - 100]);
  const few = replica.query("learners", { ...query, filter: "offset>=2000", offset: 490 });
  expect(few.rows.map(({ id }) => id)).toEqual([2009, 2008, 2007, 2006, 2005, 2004, 2003, 2002, 2001, 2000]);
});

test("a filter that is wrong is refused, and the parameters are named", async () => {
  const replica = await replicaOf(numbered([...firstChanges(2), withCombos([{ b: 1 }, { a: 2, b: 3 }])]));
  expect(replica.query("parameters", null)).toEqual(["b", "a"]);
  expect(() => replica.query("learners", { ...byPosition, filter: "offset>" })).toThrow("a value is missing");
  expect(replica.query("matches", { filter: "b>1" })).toMatchObject({ waiting: 1 });
  expect(replica.query("overview", null).learners).toMatchObject({ waiting: 2 });
});

test("every column that can be filtered by is one of the replica's", async () => {
  const replica = await replicaOf(numbered(firstChanges(1)));
  for (const [name, { isNumber }] of Object.entries(filterColumns)) {
    const written = isNumber ? `${name}>1e9` : `${name}~no-such-thing`;
    expect(replica.query("learnerIds", { filter: written })).toEqual([]);
  }
});

test("a table of those that match holds parameters of any sort, by RFC 4180", async () => {
  const combos = [
    { offset: 0.1 + 0.2, name: "it's", "x, y": [1, 2] },
    { offset: 1, name: 'say "no"\nloudly', z: { $repr: "(1+2j)" }, flag: true },
    { offset: 2 },
  ];
  const changes = [
    ...firstChanges(3),
    withCombos(combos),
    submitting(1),
    submitted(1),
    assigned(1, 0),
    done(1, 0, 7, 1e-7),
  ];
  const replica = await replicaOf(numbered(changes));
  const order = { orderBy: "id", descending: true } as const;
  expect(replica.query("learnersCsv", { ...order, filter: "offset<2" })).toBe(
    [
      'id,fname,offset,name,"x, y",z,flag,state,npoints,loss,failures,error',
      '1,data/1,1,"say ""no""\nloudly",,(1+2j),true,done,7,1e-7,0,',
      '0,data/0,0.30000000000000004,it\'s,"[1,2]",,,waiting,0,,0,',
      "",
    ].join("\r\n"),
  );
});
