/* The command bar of a person's form, or of a view, as far as the script of the console's commands uses it; or the page that
   links to the console, in a frame of a form or the app. Reads a scene as JSON from standard input, presses the command or
   opens the page once, and writes what was to be seen.

   scene: {form: {id, table, formType}}, {selected: [{Id, Name, TypeName}]} or {search: text}; variable: text or null,
   refused: bool, language: LCID */
"use strict";
const fs = require("fs");
const vm = require("vm");

const scene = JSON.parse(fs.readFileSync(0, "utf8"));
const seen = { alerts: [], opened: [], asked: [], lines: [] };

const Xrm = {
  WebApi: {
    retrieveMultipleRecords: async (table, query) => {
      seen.asked.push([table, query]);
      if (scene.refused) throw new Error("no privilege");
      const values = scene.variable ? [{ value: scene.variable }] : [];
      return { entities: [{ environmentvariabledefinition_environmentvariablevalue: values }] };
    },
  },
  Navigation: {
    openAlertDialog: async (words) => { seen.alerts.push(words.text); },
    openUrl: async (address) => { seen.opened.push(address); },
  },
  Utility: { getGlobalContext: () => ({ userSettings: { languageId: scene.language || 1033 } }) },
};
const on = scene.form;
const form = on && {
  data: { entity: { getId: () => on.id, getEntityName: () => on.table } },
  ui: { getFormType: () => on.formType || 2 },
};

const isPage = scene.search !== undefined;
const place = { append: (line) => { seen.lines.push(line); } };
const page = {
  documentElement: {},
  createElement: (tag) => ({ tag, append(inner) { this.inner = inner; } }),
  getElementById: (id) => (id === "dh_spotlerconsole" ? place : null),
};
const window = { location: { search: scene.search }, parent: { Xrm } };

const world = vm.createContext(isPage ? { document: page, window, URLSearchParams } : { Xrm });
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), world, { filename: process.argv[2] });
const script = world.SpotlerConsole;
const settled = () => new Promise((resolve) => setImmediate(resolve)); // the page begins by itself
Promise.resolve(isPage ? settled() : on ? script.why(form) : script.openAll({}, scene.selected)).then(() =>
  process.stdout.write(JSON.stringify({ ...seen, language: page.documentElement.lang }))
);
