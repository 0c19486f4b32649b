import { expect, test } from "vitest";
import { csvHeader } from "../../../src/remote/replica/learnersCsv";

test.each([
  ["=1+2", "'=1+2"],
  ["+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"],
  ["-2+3", "'-2+3"],
  ["@SUM(A1)", "'@SUM(A1)"],
  [" =1+2", "' =1+2"],
  ["\t=1+2", "'\t=1+2"],
  ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'],
  ["-5", "-5"],
  ["+1e-3", "+1e-3"],
  ["a=b", "a=b"],
])("%j is no formula in a saved table", (text, cell) => {
  expect(csvHeader([text])).toBe(`id,fname,${cell},state,npoints,loss,failures,error\r\n`);
});
