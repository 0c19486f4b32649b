import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeDropdown,
  vsCodeOption,
  vsCodeProgressRing,
} from "@vscode/webview-ui-toolkit";
import { html, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";

// The toolkit is archived: everything taken from it is here, so that another one can take its place.
provideVSCodeDesignSystem().register(vsCodeButton(), vsCodeDropdown(), vsCodeOption(), vsCodeProgressRing());

interface ButtonProperties {
  label: string;
  title?: string;
  onClick: () => void;
  isPrimary?: boolean;
  isDisabled?: boolean;
}

export function button({ label, title, onClick, isPrimary, isDisabled }: ButtonProperties): TemplateResult {
  return html`<vscode-button
    appearance=${isPrimary === true ? "primary" : "secondary"}
    ?disabled=${isDisabled}
    title=${title ?? nothing}
    @click=${onClick}
    >${label}</vscode-button
  >`;
}

interface ToggleProperties {
  label: string;
  isOn: boolean;
  onClick: () => void;
}

/** Switches something on and off. Not the toolkit's button, which keeps its state from screen readers. */
export function toggle({ label, isOn, onClick }: ToggleProperties): TemplateResult {
  return html`<button class="toggle" type="button" aria-pressed=${isOn} @click=${onClick}>${label}</button>`;
}

interface DropdownProperties {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
}

export function dropdown({ label, value, options, onChange }: DropdownProperties): TemplateResult {
  return html`<vscode-dropdown
    aria-label=${label}
    .value=${value}
    @change=${(event: Event) => event.target instanceof HTMLElement && "value" in event.target && onChange(String(event.target.value))}
    >${options.map((option) => html`<vscode-option value=${option.value} ?selected=${option.value === value}>${option.label}</vscode-option>`)}</vscode-dropdown
  >`;
}

interface TextFieldProperties {
  label: string;
  placeholder: string;
  value: string;
  isInvalid: boolean;
  onInput: (value: string) => void;
}

/** Not the toolkit's, which names every text field "Text field". */
export function textField({ label, placeholder, value, isInvalid, onInput }: TextFieldProperties): TemplateResult {
  return html`<input
    type="search"
    spellcheck="false"
    aria-label=${label}
    aria-invalid=${isInvalid}
    placeholder=${placeholder}
    .value=${live(value)}
    @input=${(event: Event) => event.target instanceof HTMLInputElement && onInput(event.target.value)}
  />`;
}

/** The way to a line of the study; nothing without one. */
export function goToLine(place: string | null, onClick: () => void): TemplateResult | typeof nothing {
  if (place === null) return nothing;
  return html`<button class="link" type="button" @click=${onClick}>Go to ${place}</button>`;
}

/** Something is under way. */
export function busy(label: string): TemplateResult {
  return html`<vscode-progress-ring aria-label=${label}></vscode-progress-ring>`;
}
