import { isSafePath } from "../../scheduler/control/pack";
import { dataframeFormats } from "../../scheduler/state/settings";

/**
 * What a name is that a head node gives for a data file. Which files it lists, and how it calls them, is a stranger's
 * word: it is judged as every platform may read it, for the study's folder may lie on a disk of any.
 */
export type DataName =
  | {
      kind: "data";
      /** What a person agrees to: `data/*.pickle`, or the one file where its name tells nothing. */
      place: string;
    }
  | { kind: "refused"; why: string };

/** @param path relative to the study's folder, with `/` */
export function judgeDataName(path: string, platform: NodeJS.Platform = process.platform): DataName {
  const why = problemOf(path) ?? (platform === "win32" && /[<>:"|?*]/.test(path) ? "cannot be a name here" : null);
  if (why !== null) return { kind: "refused", why };
  const at = path.lastIndexOf("/") + 1;
  const [folder, name] = [path.slice(0, at), path.slice(at)];
  const ending = endingOfData(name);
  if (ending !== "") return { kind: "data", place: `${folder}*${ending}` };
  // Beside the learners file, each such name is agreed to by itself: some would mean something to a program.
  return { kind: "data", place: folder === "" ? name : `${folder}*` };
}

const maxPathBytes = 1000;
/** What is kept aside, and what is on its way, has a longer name. */
const maxNameBytes = 230;

function problemOf(path: string): string | null {
  if (Buffer.byteLength(path) > maxPathBytes) return "is too long";
  if (!isSafePath(path)) return "leads out of the study's folder, or is ours";
  // Some file systems leave out what cannot be seen, and take for the same what looks the same.
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(path)) return "has invisible characters";
  const names = path.split("/");
  for (const [i, name] of names.entries()) {
    const isFile = i === names.length - 1;
    for (const read of readings(name)) {
      const why = problemOfName(read) ?? (isFile ? problemOfFile(read) : null);
      if (why !== null) return why;
    }
  }
  return null;
}

/** A name as it stands, as file systems fold it, and up to each colon, before which Windows has a file's own name. */
function readings(name: string): string[] {
  const folded = [name, name.normalize("NFKC"), name.normalize("NFD")];
  const untilColons = folded.flatMap((one) => one.split(":").map((_, i, parts) => parts.slice(0, i + 1).join(":")));
  return [...new Set(untilColons)].map((one) => one.toLowerCase());
}

function problemOfName(name: string): string | null {
  if (Buffer.byteLength(name) > maxNameBytes) return "is too long";
  if (name === "" || /[/\\]/.test(name)) return "leads out of the study's folder, or is ours";
  if (name.startsWith(".")) return "is hidden";
  if (/^\s|[\s.]$/.test(name)) return "begins or ends with a blank or a dot";
  // A drive, a device, and the short name of another: `GIT~1` is `.git`.
  if (/^[a-z]?:/.test(name) || deviceName.test(name) || /~\d/.test(name)) return "means something else on Windows";
  return null;
}

/** With any ending. */
const deviceName = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)\s*(\.|$)/;

function problemOfFile(name: string): string | null {
  if (endingOfData(name) !== "") return null;
  const [first = "", ...endings] = name.split(".");
  const isOfPrograms = programNames.has(first) || endings.some((ending) => programEndings.has(ending));
  return isOfPrograms ? "is named as code or settings are" : null;
}

/** The endings by which a file is data and nothing else: `.pickle`, `.npz.gz`, `.pickle.json`; empty for another. */
function endingOfData(name: string): string {
  return dataEnding.exec(name)?.[0] ?? "";
}

const endings = "pickle|pkl|npy|npz|h5|hdf5|nc|parquet|feather|csv|dat";
const dataEnding = new RegExp(
  `(?<=[^.])\\.(${endings})(\\.(gz|bz2|xz|zst|lz4|${endings}))*(\\.(${dataframeFormats.join("|")}))?$`,
  "i",
);

/** Of files that a program, an editor or a shell runs or goes by. */
const programEndings = new Set(
  (
    "py pyc pyd pyi pyo pyw pyx pxd pth egg whl pyz ipynb so dll dylib exe com scr msi pif cpl app lnk url desktop service " +
    "sh bash zsh fish csh tcsh ksh bat cmd ps1 psm1 psd1 vbs vbe vb wsf wsh hta reg inf scpt command terminal tool " +
    "js mjs cjs jse ts mts cts jsx tsx rb pl pm php lua tcl r jl go rs c h cc cpp hpp f f90 java jar class swift sql " +
    "json jsonc json5 toml yaml yml ini cfg conf config properties env xml plist lock mk cmake gradle make ninja " +
    "code-workspace code-profile vsix html htm xhtml svg md rst zip tar rpm deb dmg iso"
  ).split(" "),
);
const programNames = new Set(
  (
    "makefile gnumakefile dockerfile containerfile vagrantfile rakefile gemfile procfile justfile jenkinsfile brewfile " +
    "pipfile podfile guardfile sconstruct sconscript wscript snakefile cmakelists requirements constraints environment " +
    "authorized_keys known_hosts id_rsa id_ed25519 id_ecdsa config hosts crontab autoexec autorun desktop __proto__"
  ).split(" "),
);
