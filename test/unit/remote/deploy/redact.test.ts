import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { writeDiagnostics } from "../../../../src/remote/deploy/diagnostics";
import { redact } from "../../../../src/remote/deploy/redact";

const secrets = { users: ["ada", "adalovelace"], hosts: ["login1", "login1.hpc.example.org", "laptop"] };

describe("what is taken out of a report", () => {
  test.each([
    ["a home directory", "/home/ada/study/x.py", "/home/<user 1>/study/x.py"],
    ["on Windows", "C:\\Users\\Ada\\study", "C:\\Users\\<user 1>\\study"],
    ["a longer name first", "/home/adalovelace/ada", "/home/<user 2>/<user 1>"],
    ["not within words", "adaptive, canada, ada_1", "adaptive, canada, <user 1>_1"],
    ["hosts, with and without their domain", "login1: via login1.hpc.example.org", "<host 1>: via <host 2>"],
    ["an address", "connected to 192.168.1.20:22", "connected to <address>:22"],
    ["but not this computer's own", "tcp://127.0.0.1:4242", "tcp://127.0.0.1:4242"],
    ["an address of IPv6", "to 2001:db8:0:0:0:0:0:1 port 22", "to <address> port 22"],
    ["a mail address", "write to ada.l@example.org", "write to <mail address>"],
    ["a password", "password: hunter2, next", "password: <secret>, next"],
    ["a token of JSON", '{"token": "abc def", "x": 1}', '{"token": <secret>, "x": 1}'],
    ["a token of a command", "run --token abc --json", "run --token <secret> --json"],
    ["a variable", "export WANDB_API_KEY=0123abcd", "export WANDB_API_KEY=<secret>"],
    ["a header", "Authorization: Bearer abc.def", "Authorization: <secret>"],
    [
      "a private key",
      "a\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\nb",
      "a\n<key>\nb",
    ],
    ["one that is cut off", "-----BEGIN RSA PRIVATE KEY-----\nb3Bl", "<key>"],
    ["a public key", `host ssh-ed25519 ${"A".repeat(68)} comment`, "host ssh-ed25519 <key> comment"],
    ["a fingerprint", `SHA256:${"a".repeat(43)}`, "SHA256:<fingerprint>"],
    ["a long key", `key ${"Ab1".repeat(20)}`, "key <key>"],
    ["but not a hash that names a folder", "bundles/5cee6455c55637d1", "bundles/5cee6455c55637d1"],
    ["passwd", "mount -o user=x,passwd=hunter2", "mount -o user=<secret>,passwd=<secret>"],
    ["a variable of MySQL", "MYSQL_PWD=hunter2 DB_PASSWD='hunter 2'", "MYSQL_PWD=<secret> DB_PASSWD=<secret>"],
    ["a header in lower case", "authorization: Basic dXNlcjpwYXNz", "authorization: <secret>"],
    ["a header of no name", "sent bearer eyJhbGciOi.J9", "sent bearer <secret>"],
    [
      "a name and a password before a host",
      "clone https://u:p%40@git.example.org/x",
      "clone https://<secret>@git.example.org/x",
    ],
    ["a key of a cloud", "AWS_SECRET_ACCESS_KEY=wJalr/K7", "AWS_SECRET_ACCESS_KEY=<secret>"],
    ["an address with a token", "GET /x?access_token=abc&page=2", "GET /x?access_token=<secret>&page=2"],
    ["a token of GitHub", "used ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "used <key>"],
    ["a token of OpenAI", "sk-proj-aaaaaaaaaaaaaaaaaaaa", "<key>"],
    ["a user of curl", "curl -u ada:hunter2 x", "curl -u <secret> x"],
    ["a variable whose name nobody knows", "export MY_THING=hunter2", "export MY_THING=<secret>"],
    ["a value of JSON in a prelude", '"prelude": ["export FOO=bar"]', '"prelude": ["export FOO=<secret>"]'],
    ["what our own settings say", '"queue": "slurm", cores=4, offset=0.51', '"queue": "slurm", cores=4, offset=0.51'],
    ["types of learners", "DataSaver(AverageLearner1D)", "DataSaver(AverageLearner1D)"],
    ["names of files", "lib/fast.cpython-311-x86_64-linux-gnu.so", "lib/fast.cpython-311-x86_64-linux-gnu.so"],
    ["a run's id", "run 5f0c9f0e-1b2d-4c3e-8f4a-0123456789ab", "run 5f0c9f0e-1b2d-4c3e-8f4a-0123456789ab"],
    ["words about passwords stay", "password authentication failed", "password authentication failed"],
  ])("%s", (_, text, redacted) => {
    expect(redact(text, secrets)).toBe(redacted);
  });

  test("no secret is left, of whatever kind and wherever it stood", () => {
    const letters = fc.string({
      unit: fc.constantFrom(..."abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"),
      minLength: 12,
      maxLength: 30,
    });
    const name = fc.constantFrom(
      "passwd",
      "PGPASSWORD",
      "MYSQL_PWD",
      "token",
      "client_secret",
      "MY_THING",
      "X",
      "apiKey",
      "db.password",
    );
    const kinds: ((name: string, secret: string) => string)[] = [
      (name, secret) => `${name}=${secret}`,
      (name, secret) => `export ${name}="${secret} ${secret}"`,
      (name, secret) => `--${name}=${secret} x`,
      (_, secret) => `--password ${secret}`,
      (_, secret) => `{"password": "${secret}"}`,
      (_, secret) => `Authorization: Basic ${secret}==`,
      (_, secret) => `'Cookie': 'session=${secret}; x=${secret}'`,
      (_, secret) => `ssh://ada:${secret}@login1/x`,
      (_, secret) => `ghp_${secret} sk-proj-${secret} glpat-${secret} eyJ${secret}.${secret}.${secret}`,
      (_, secret) => `-----BEGIN RSA PRIVATE KEY-----\n${secret}\n-----END RSA PRIVATE KEY-----`,
      (name, secret) => `https://example.org/?${name}=${secret}&x=1`,
    ];
    const around = fc.constantFrom("", " ", "\n", "[info] ", "(", " and ");
    fc.assert(
      fc.property(fc.constantFrom(...kinds), name, letters, around, around, (kind, name, secret, before, after) => {
        expect(redact(`${before}${kind(name, secret)}${after}`, secrets)).not.toContain(secret);
      }),
      { numRuns: 1000 },
    );
  });

  test("no name is left, wherever it stood", () => {
    const separator = fc.constantFrom("/", " ", ":", "@", "\n", '"', "=", "_", "-", ".");
    const name = fc.constantFrom(...secrets.users, ...secrets.hosts);
    fc.assert(
      fc.property(fc.array(fc.tuple(separator, name), { maxLength: 8 }), (parts) => {
        const redacted = redact(parts.flat().join(""), secrets);
        for (const word of [...secrets.users, ...secrets.hosts]) {
          expect(redacted).not.toMatch(new RegExp(`(^|[^a-z0-9])${word}([^a-z0-9]|$)`, "i"));
        }
      }),
    );
  });
});

describe("a report", () => {
  test("holds its parts redacted, the end of those that are long, and says what cannot be read", async () => {
    const report = await writeDiagnostics(
      [
        {
          title: "Log",
          read: () => Promise.resolve(Array.from({ length: 500 }, (_, i) => `line ${i} of ada`).join("\n")),
        },
        { title: "Cluster", read: () => Promise.reject(new Error("no route to login1")) },
        { title: "Ticks", read: () => Promise.resolve("```\nx") },
      ],
      secrets,
    );
    expect(report).toContain("## Log\n\n```\n… 100 lines\nline 100 of <user 1>\n");
    expect(report).toContain("cannot be read: no route to <host 1>");
    expect(report).toContain("````\n```\nx\n````");
    expect(report).not.toMatch(/\b(ada|login1)\b/);
  });
});
