// A static site, so that the same files can be served by anything.
export default { output: "export" };
