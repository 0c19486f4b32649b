import type { ReactiveController, ReactiveControllerHost } from "lit";

interface Callbacks {
  onSize: () => void;
  onTheme: () => void;
}

/** Tells an element that draws by itself when it has another size, or the page another theme. */
export class LooksController implements ReactiveController {
  private readonly sizes: ResizeObserver;
  private readonly themes: MutationObserver;

  constructor(
    private readonly host: ReactiveControllerHost & Element,
    { onSize, onTheme }: Callbacks,
  ) {
    this.sizes = new ResizeObserver(onSize);
    this.themes = new MutationObserver(onTheme);
    host.addController(this);
  }

  hostConnected(): void {
    this.sizes.observe(this.host);
    this.themes.observe(document.body, { attributeFilter: ["class"] });
    this.themes.observe(document.documentElement, { attributeFilter: ["style"] });
  }

  hostDisconnected(): void {
    this.sizes.disconnect();
    this.themes.disconnect();
  }
}
