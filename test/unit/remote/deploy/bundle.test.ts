import { execFileSync } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nativeBuild } from "../../../../src/remote/deploy/bundle";
import { tarOf } from "../../../../src/remote/deploy/tar";
import { temporaryFolder } from "../../scheduler/runFixture";

test("the system's tar unpacks what is packed", async () => {
  const folder = await temporaryFolder();
  const long = `${"folder/".repeat(20)}${"n".repeat(90)}.py`;
  const files = [
    { path: "main.js", content: Buffer.from("#!/bin/sh\n"), isExecutable: true },
    { path: "empty", content: Buffer.alloc(0), isExecutable: false },
    { path: "block", content: Buffer.alloc(512, "x"), isExecutable: false },
    { path: long, content: Buffer.from("é\n"), isExecutable: false },
  ];
  await writeFile(join(folder, "all.tar"), tarOf(files));
  execFileSync("tar", ["-xf", "all.tar"], { cwd: folder });
  for (const { path, content, isExecutable } of files) {
    expect(await readFile(join(folder, path))).toEqual(content);
    expect(((await stat(join(folder, path))).mode & 0o100) !== 0).toBe(isExecutable);
  }
});

test("a path that no header holds is refused", () => {
  const path = `${"x".repeat(101)}`;
  expect(() => tarOf([{ path, content: Buffer.alloc(0), isExecutable: false }])).toThrow("too long");
});

describe("ZeroMQ's native code", () => {
  const key = (os: string, arch: string, libc: string): string => JSON.stringify({ os, arch, libc, abi: 127 });
  const manifest = JSON.stringify({
    [key("linux", "x64", "glibc")]: "linux/x64/glibc.node",
    [key("linux", "x64", "musl")]: "linux/x64/musl.node",
    [key("darwin", "arm64", "libc")]: "darwin/arm64.node",
  });

  test.each([
    ["linux", "x64", "glibc", "linux/x64/glibc.node"],
    ["linux", "x64", "musl", "linux/x64/musl.node"],
    ["darwin", "arm64", "libc", "darwin/arm64.node"],
  ] as const)("of %s-%s with %s", (os, architecture, libc, file) => {
    const found = nativeBuild(manifest, { os, architecture, libc });
    expect(found.build).toBe(`node_modules/zeromq/build/${file}`);
    expect(JSON.parse(found.manifest)).toEqual({ [key(os, architecture, libc)]: file });
  });

  test("there is none for another libc", () => {
    expect(() => nativeBuild(manifest, { os: "linux", architecture: "arm64", libc: "musl" })).toThrow(
      "There is no scheduler for linux with musl on arm64.",
    );
  });
});
