/** Programs for another machine are bundled as text. */
declare module "*.py" {
  const text: string;
  export = text;
}
