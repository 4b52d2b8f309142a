// Half of Prism's start goes to faker's texts in fifty languages. It uses the English ones alone.

const modules = require("node:module");

const load = modules._load;
modules._load = (name, ...rest) =>
  name === "@faker-js/faker" ? { default: load(`${name}/locale/en`, ...rest) } : load(name, ...rest);
