import { expect, test } from "vitest";
import { createStudy } from "./program";

/** Parameters of every sort; the learners with a negative offset fail at once. */
const oddCombos = `
import adaptive
import numpy as np

class Material:
    def __init__(self, name):
        self.name = name
    def __repr__(self):
        return f"Material({self.name!r})"

class Shy:
    """Has the repr that every object has."""

def combo(offset, name, material, method):
    return {
        "offset": offset,
        "size": np.int64(1000) * len(name),
        "name": name,
        "material": material,
        "Größe \\"ö\\"": np.float32(0.5),
        "method": method,
        "pair": (1, np.int32(2)),
        "grid": {"x": [0, 1], "z": 1 + 2j},
        "shy": Shy(),
        "periodic": np.bool_(offset > 0),
        "state": "solid",
        **{f"p{i}": i for i in range(50)},
    }

combos = [
    combo(np.float64(0.1) + np.float64(0.2), "it's", Material("lead"), "Runge–Kutta"),
    combo(-0.5, 'say "no"', Material("tin"), "Euler"),
    combo(-1.5, "back\\\\slash", Material("tin"), "Heun"),
]

def evaluate(x, offset):
    if offset < 0:
        raise ValueError(f"offset {offset} is negative")
    return x

def fname(combo):
    return f"data/{combo['offset']:.1f}.pickle"

def make_learner(combo):
    return adaptive.Learner1D(lambda x: evaluate(x, combo["offset"]), (-1, 1))
`;

test("learners of any parameters are found by them on the command line", async () => {
  const study = await createStudy(oddCombos, { goal: { npoints: 4 }, maxFailures: 1 });
  expect(await study.run().ended).toMatchObject({ exitCode: 1 });
  const listed = async (where: string) => {
    const { stdout } = await study.start(["failures", study.folder, "--where", where, "--json"]).ended;
    return (JSON.parse(stdout) as { learners: { id: number }[] }).learners.map(({ id }) => id);
  };
  expect(await listed("")).toEqual([1, 2]);
  expect(await listed("offset<-0.5")).toEqual([2]);
  expect(await listed(`name='say "no"' material~tin`)).toEqual([1]);
  expect(await listed(String.raw`name="back\\slash"`)).toEqual([2]);
  expect(await listed(String.raw`"Größe \"ö\""=0.5 method~EULER pair=[1,2] p49=49`)).toEqual([1]);
  expect(await listed(`grid~(1+2j) shy~Shy periodic=False "state"=solid state=failed`)).toEqual([1, 2]);
  expect(await listed("error~negative size>=8000 -1.5.pickle")).toEqual([2]);

  const changed = async (...args: string[]) =>
    JSON.parse((await study.start([...args, "--json"]).ended).stdout) as object;
  // Else their jobs would move them too.
  await study.start(["stop", study.folder]).ended;
  expect(await changed("reopen", study.folder, "--where", `offset=0.3 name="it's"`)).toEqual({
    learners: [0],
    moved: 1,
  });
  expect(await changed("retry", study.folder, "--where", "material~'tin' method!=Heun")).toEqual({
    learners: [1],
    moved: 1,
  });
  expect(await changed("retry", study.folder, "1", "--where", "method=Heun")).toEqual({ learners: [], moved: 0 });
  expect(await changed("stop-learner", study.folder, "--where", "material~LEAD")).toEqual({ learners: [0], moved: 1 });

  const tried = await study.start(["try", "--learners", study.learnersFile, "--where", "offset>0", "--json"]).ended;
  expect(JSON.parse(tried.stdout)).toMatchObject({ trials: [{ id: 0, trial: { error: null } }] });

  const wrong = await study.start(["retry", study.folder, "--where", "ofset>0"]).ended;
  expect(wrong.exitCode).toBe(2);
  expect(wrong.stderr).toContain("Filter, character 1: no learner has a parameter ofset.\n  Did you mean offset?");
  expect(wrong.stderr).toContain("and 41 more");
  const nothing = await study.start(["stop-learner", study.folder, "--where", " "]).ended;
  expect(nothing.stderr).toContain("stop-learner needs to know which learners");
});
