import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toAdaptiveError } from "../../../src/scheduler/state/errors";
import { checkNames, nameWord, parseFilter, quote } from "../../../src/scheduler/state/filter";
import { matches } from "../../../src/scheduler/state/matches";
import { parameterNames, textOf } from "../../../src/scheduler/state/parameters";
import { learnerRow } from "../views/rows";

/** What is said of a filter that is wrong, with its hint. */
function complaint(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    const { code, message, hint } = toAdaptiveError(error);
    expect(code).toBe("bad-filter");
    return [message, hint].filter(Boolean).join(" ");
  }
  return "nothing";
}

describe("a filter finds a learner", () => {
  const combo = {
    offset: 0.1 + 0.2,
    width: 1e-7,
    seed: 1_234_567,
    name: "it's",
    method: "Größe A",
    digits: "5",
    periodic: true,
    nothing: null,
    pair: [1, 2],
    z: { $repr: "(1+2j)" },
    nested: { a: [{ $repr: "<Lead>" }] },
    huge: { $repr: "9007199254740993000" },
    state: "solid",
    'a "b" \\ c=d': 7,
    "x y": "two words",
  };
  const row = learnerRow(3, {
    combo: JSON.stringify(combo),
    fname: "data/Peak_3.pickle",
    state: "failed",
    npoints: 40,
    loss: 0.02,
    error: "ZeroDivisionError: x",
  });

  test.each([
    ["", true],
    ["  ", true],
    ["offset=0.3", true],
    ["offset=0.30000000000000004", true],
    ["offset=0.3000001", false],
    ["offset>0.3", false],
    ["offset>=0.30", true],
    ["offset > 0.29", true],
    ["offset != 0.3", false],
    ["offset==0.3", true],
    ["offset~0.3", true],
    ["offset=3e-1", true],
    ["width=1e-7", true],
    ["seed=1234567", true],
    ["seed=1234570", false],
    ["seed>1e6 seed<2e6", true],
    ["seed>1e6 seed<1e5", false],
    [`name="it's"`, true],
    ["name=it's", true],
    ["name='it'", false],
    ["name>1", false],
    ["name!=other", true],
    ["method~größe", true],
    ["method~GRO\u0308SSE", false],
    ["method~gro\u0308ße", true],
    ["method='größe a'", false],
    ["method!~z", true],
    ["digits=5", true],
    ['digits="5"', true],
    ['digits="05"', false],
    ["digits>4", false],
    ["periodic=True", true],
    ["periodic=true", true],
    ["periodic!=false", true],
    ["nothing=None", true],
    ["pair=[1,2]", true],
    ["z=(1+2j)", true],
    ['nested="{\\"a\\":[\\"<Lead>\\"]}"', true],
    ["nested~lead", true],
    ["huge=9007199254740993000", true],
    ["state=failed", true],
    ["state!=failed", false],
    ['"state"=solid', true],
    ['"state"=failed', false],
    ['"a \\"b\\" \\\\ c=d">6', true],
    ["'x y'=\"two words\"", true],
    ["npoints>=40 npoints<=40 loss<1e-1 id=3", true],
    ["failures>0", false],
    ["class=default", true],
    ["class!=default", false],
    ["error~zerodivision", true],
    ["remark!~aside", true],
    ["remark~''", false],
    ["job=4711_3", false],
    ["peak_3", true],
    ["größe", true],
    ['"two words"', true],
    ["offset=0.3 elsewhere", false],
  ])("%s: %s", (text, isFound) => {
    expect(matches(parseFilter(text))(row)).toBe(isFound);
  });

  test("nor does one that has no such parameter, but by what it is not", () => {
    const other = learnerRow(1, { combo: "not JSON" });
    const found = ["offset=0.3", "offset~0", "offset<1", "offset!=0.3", "offset!~0", "loss!=1", "loss<1"];
    expect(found.filter((text) => matches(parseFilter(text))(other))).toEqual(["offset!=0.3", "offset!~0", "loss!=1"]);
  });
});

describe("what is wrong with a filter is said", () => {
  test.each([
    ["offset>", 'Filter, character 8: a value is missing behind ">".'],
    ["width=1  >0.5", 'Filter, character 10: a name is missing before ">0".'],
    ["name='it", "Filter, character 6: the quote ' is not closed."],
    ['name="it"s', 'Filter, character 10: a space is missing behind name="it".'],
    ['"a"b=1', 'Filter, character 4: a space is missing behind "a".'],
    ['name="C:\\dir"', 'Filter, character 6: "C:\\dir" has a backslash that means nothing. Write \\\\'],
    ["offset>wide", 'Filter, character 1: ">" needs a number here, and "wide" is none.'],
    ["loss=small", 'Filter, character 1: "=" needs a number here, and "small" is none.'],
    ["a=1 npoints~5", "Filter, character 5: npoints is a number: it can be compared with =, !=, <"],
    ["state<done", "Filter, character 1: state is no number"],
    ["state=faild", 'Filter, character 1: there is no state "faild". Did you mean failed? States are waiting,'],
  ])("%s", (text, words) => {
    expect(complaint(() => parseFilter(text))).toContain(words);
  });

  test.each([
    ["ofset>1", "no learner has a parameter ofset. Did you mean offset? There is offset, width"],
    ["points>1", "Did you mean npoints?"],
    ["data/offset=0.1.pickle", "Text to look for goes into quotes."],
    ['width=1 "loss"=2', 'Filter, character 9: no learner has a parameter "loss".'],
  ])("%s, given the parameters", (text, words) => {
    const parameters = ["offset", "width", "x y"];
    expect(complaint(() => checkNames(parseFilter(text), parameters))).toContain(words);
    expect(complaint(() => checkNames(parseFilter("offset=1 'x y'=2"), parameters))).toBe("nothing");
  });

  test("of many parameters it names some", () => {
    const parameters = parameterNames(
      [0, 25].map((first) =>
        JSON.stringify(Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`p${first + i}`, i]))),
      ),
    );
    expect(complaint(() => checkNames(parseFilter("q=1"), parameters))).toContain("p18, p19 and 30 more; and of each");
  });
});

test("quoting finds any parameter by any value, and says no more than that", () => {
  const text = fc.string({ unit: "binary" });
  const value = fc.oneof(
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(text),
  );
  fc.assert(
    fc.property(text, fc.jsonValue(), value, (name, other, wanted) => {
      const written = `${quote(name)}=${quote(textOf(wanted))}`;
      const rows = [wanted, other].map((item) => learnerRow(1, { combo: JSON.stringify({ [name]: item }) }));
      const [isFound, isOther] = rows.map(matches(parseFilter(written)));
      expect(isFound).toBe(true);
      expect(isOther).toBe(textOf(JSON.parse(JSON.stringify(other))) === textOf(wanted));
      expect(parseFilter(`${nameWord(name)}=1`)[0]?.field).toEqual({ kind: "parameter", name });
    }),
  );
});
