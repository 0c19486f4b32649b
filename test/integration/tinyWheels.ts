import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder } from "../unit/scheduler/runFixture";

/** Packages of the names that jobs import, with nothing in them, and pip as Python brings it along. */
const program = `
import ensurepip, pathlib, shutil, sys, zipfile
folder = pathlib.Path(sys.argv[1])
for package, module in [("adaptive", "adaptive"), ("pyzmq", "zmq"), ("cloudpickle", "cloudpickle")]:
    about = f"{package}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{module}/__init__.py", "")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\\nName: {package}\\nVersion: 1.0\\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{about}/RECORD", f"{module}/__init__.py,,\\n{about}/METADATA,,\\n{about}/WHEEL,,\\n{about}/RECORD,,\\n")
for pip in (pathlib.Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"):
    shutil.copy(pip, folder)
`;

/** @returns their folder */
export async function tinyWheels(python: string): Promise<string> {
  const folder = await temporaryFolder();
  await promisify(execFile)(python, ["-c", program, folder]);
  return folder;
}

/** A Python with nothing but its standard library. */
export async function barePython(python: string): Promise<string> {
  const folder = join(await temporaryFolder(), "bare");
  await promisify(execFile)(python, ["-m", "venv", "--without-pip", folder]);
  return join(folder, "bin/python");
}
