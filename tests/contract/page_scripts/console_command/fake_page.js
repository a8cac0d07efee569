/* The command bar of a person's form, or of a view, as far as the script of the console's commands uses it. Reads a scene as
   JSON from standard input, presses the command once, and writes what was to be seen.

   scene: {form: {id, table, formType}} or {selected: [{Id, Name, TypeName}]}; variable: text or null, refused: bool */
"use strict";
const fs = require("fs");
const vm = require("vm");

const scene = JSON.parse(fs.readFileSync(0, "utf8"));
const seen = { alerts: [], opened: [], asked: [] };

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
};
const on = scene.form;
const form = on && {
  data: { entity: { getId: () => on.id, getEntityName: () => on.table } },
  ui: { getFormType: () => on.formType || 2 },
};

const world = vm.createContext({ Xrm });
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), world, { filename: process.argv[2] });
const script = world.SpotlerConsole;
Promise.resolve(on ? script.why(form) : script.openAll({}, scene.selected)).then(() =>
  process.stdout.write(JSON.stringify(seen))
);
