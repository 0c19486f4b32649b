/** Style sheets of libraries are bundled as text, to be adopted by the element that needs them. */
declare module "*.css" {
  const text: string;
  export = text;
}
