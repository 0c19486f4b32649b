import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import type { ToPage } from "../../../src/views/messages";
import { PageMail } from "../../../src/views/pageMail";
import { drawHead } from "../../../src/views/viewHead";

/** A page that has a message once the test says so. */
class SlowPage {
  readonly messages: (readonly ToPage[])[] = [];
  private arrive: (() => void)[] = [];
  readonly mail = new PageMail((messages) => {
    this.messages.push(messages);
    return new Promise<void>((resolve) => this.arrive.push(resolve));
  });

  get onTheirWay(): number {
    return this.arrive.length;
  }

  async takeIn(): Promise<void> {
    for (const arrive of this.arrive.splice(0)) arrive();
    await new Promise(setImmediate);
  }
}

const series = (time: number): ToPage => ({
  type: "series",
  samples: [{ time, npoints: 0, running: 0, queued: 0, done: 0 }],
});
const away: ToPage = { type: "away", line: "closed", canShow: false };
const select = (id: number): ToPage => ({ type: "select", learner: asLearnerId(id) });

describe("what is said to a page", () => {
  it("goes out once what was said before has arrived: of each kind the newest, all in one message", async () => {
    const page = new SlowPage();
    const { mail, messages } = page;
    mail.post(series(1));
    mail.post(series(2));
    mail.post(away);
    mail.post(series(3));
    expect(messages).toEqual([[series(1)]]);
    await page.takeIn();
    expect(messages.slice(1)).toEqual([[away, series(3)]]);
    await page.takeIn();
    expect(messages).toHaveLength(2);
  });

  it("is never more than one message ahead, and ends with the last word of each kind", async () => {
    const step = fc.oneof(
      fc.nat(9).map(series),
      fc.nat(9).map(select),
      fc.constant(away),
      fc.constant("takesIn" as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step), async (steps) => {
        const page = new SlowPage();
        const last = new Map<string, ToPage>();
        for (const said of steps) {
          if (said === "takesIn") await page.takeIn();
          else {
            last.set(said.type, said);
            page.mail.post(said);
          }
          expect(page.onTheirWay).toBeLessThanOrEqual(1);
        }
        await page.takeIn();
        await page.takeIn();
        const told = new Map(page.messages.flat().map((message) => [message.type, message]));
        expect(Object.fromEntries(told)).toEqual(Object.fromEntries(last));
      }),
    );
  });

  it("does not wait for a page that is gone", () => {
    const { mail, messages } = new SlowPage();
    mail.post(series(1));
    mail.post(series(2));
    mail.reset();
    mail.post(series(3));
    expect(messages).toEqual([[series(1)], [series(3)]]);
  });

  it("goes on after what could not be sent", async () => {
    const messages: (readonly ToPage[])[] = [];
    const mail = new PageMail((some) => {
      messages.push(some);
      return Promise.reject(new Error("the page is gone"));
    });
    mail.post(series(1));
    mail.post(series(2));
    await new Promise(setImmediate);
    expect(messages).toEqual([[series(1)], [series(2)]]);
  });
});

it("a view's head is written only where it says something new", () => {
  const written: string[] = [];
  const view = {
    shown: { message: "", description: "" },
    get message() {
      return this.shown.message;
    },
    set message(text: string) {
      written.push((this.shown.message = text));
    },
    get description() {
      return this.shown.description;
    },
    set description(text: string) {
      written.push((this.shown.description = text));
    },
  };
  for (const description of ["peaks", "peaks", "peaks · finished"]) drawHead(view, { message: "", description });
  drawHead(view, { message: "offline", description: "peaks · finished" });
  expect(written).toEqual(["peaks", "peaks · finished", "offline"]);
});
