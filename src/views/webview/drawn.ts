import { nothing } from "lit";
import { Directive, directive, type ElementPart } from "lit/directive.js";

type Style = Readonly<Record<string, string>>;

/**
 * Sets styles through the CSSOM: `<div ${drawn({ height: "4px" })}>`. Lit's own `styleMap` writes a
 * style attribute first, which the page's content security policy forbids.
 */
class DrawnDirective extends Directive {
  override render(_style: Style): typeof nothing {
    return nothing;
  }

  override update({ element }: ElementPart, [style]: [Style]): typeof nothing {
    if (element instanceof HTMLElement) {
      for (const [property, value] of Object.entries(style)) element.style.setProperty(property, value);
    }
    return nothing;
  }
}

export const drawn = directive(DrawnDirective);
