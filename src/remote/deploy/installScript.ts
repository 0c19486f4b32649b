import { shellQuote } from "../../scheduler/jobs/quote";
import { nodeRelease } from "./nodeRelease";

/** The newest bundles stay, whatever their age: other windows may be of another version. */
const keptBundles = 3;
/** A scheduler that serves a run touches the bundle it comes from at least every day. */
const unusedDays = 14;

/** What is installed where. */
export const layout = {
  incoming: (place: string, name: string): string => `${place}/incoming/${name}`,
  bundle: (place: string, name: string): string => `${place}/bundles/${name}`,
  node: (place: string, architecture: string): string => `${place}/node/${nodeRelease.version}-${architecture}/node`,
};

/**
 * Unpacks a bundle beside its place, sees whether its program runs, and only then gives it its name: whoever
 * finds the name finds it whole, and of two that install at once both succeed.
 */
export function installBundleScript(place: string, name: string, archive: string, node: string): string {
  return `
${prepare(place)}
new=bundles/.${name}.$$
trap 'rm -rf "$new" ${shellQuote(archive)}' EXIT
mkdir -p bundles "$new"
gzip -dc ${shellQuote(archive)} | tar -xf - -C "$new"
${shellQuote(node)} -e 'process.exit(require(process.argv[1]).capability.curve ? 0 : 1)' "$PWD/$new/node_modules/zeromq"
${shellQuote(node)} "$new/scheduler/main.js" --version >/dev/null
# Node's rename, because mv would move it into one that has come to be there meanwhile.
${shellQuote(node)} -e 'require("fs").renameSync(process.argv[1], process.argv[2])' "$new" bundles/${name} 2>/dev/null || test -f bundles/${name}/scheduler/main.js
touch bundles/${name}
${cleanUp(name)}
`;
}

/** Unpacks a Node that was sent, and gives it its name when it runs. */
export function installNodeScript(place: string, architecture: string, archive: string): string {
  const target = layout.node(place, architecture);
  return `
${prepare(place)}
new=${shellQuote(target)}.$$
trap 'rm -f "$new" ${shellQuote(archive)}' EXIT
mkdir -p "$(dirname "$new")"
gzip -dc ${shellQuote(archive)} >"$new"
chmod 700 "$new"
test "$("$new" -p process.versions.node)" = ${nodeRelease.version}
mv -f "$new" ${shellQuote(target)}
`;
}

/** Says that a bundle is in use, so that nobody cleans it up. */
export function touchScript(place: string, name: string): string {
  return `touch ${shellQuote(layout.bundle(place, name))}\n`;
}

function prepare(place: string): string {
  return `set -e\numask 077\nLC_ALL=C; export LC_ALL\nmkdir -p ${shellQuote(place)}\ncd ${shellQuote(place)}`;
}

/** What was left half, and what nobody has used for long. */
function cleanUp(name: string): string {
  return [
    "find incoming bundles -mindepth 1 -maxdepth 1 -name '.*' -mtime +1 -exec rm -rf {} + 2>/dev/null || :",
    "find incoming -mindepth 1 -maxdepth 1 -mtime +1 -exec rm -rf {} + 2>/dev/null || :",
    `for old in $(ls -t bundles | tail -n +${keptBundles + 1}); do`,
    `  test "$old" = ${name} || find "bundles/$old" -maxdepth 0 -mtime +${unusedDays} -exec rm -rf {} + || :`,
    "done",
  ].join("\n");
}
