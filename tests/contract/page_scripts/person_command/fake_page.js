/* The command bar of a person's form or view, as far as the script of New Spotler Job uses it. Reads a scene as JSON from
   standard input, presses the command once, and writes what was to be seen.

   scene: {form: {id, table, name, formType}} or {selected: [{Id, Name, TypeName}]}; confirms, refused: [id] */
"use strict";
const fs = require("fs");
const vm = require("vm");

const scene = JSON.parse(fs.readFileSync(0, "utf8"));
const seen = { alerts: [], errors: [], questions: [], created: [], opened: [], refreshed: 0 };

const Xrm = {
  WebApi: {
    createRecord: async (table, row) => {
      if ((scene.refused || []).some((id) => JSON.stringify(row).includes(id))) throw new Error("no privilege");
      seen.created.push([table, row]);
    },
  },
  Navigation: {
    openAlertDialog: async (words) => { seen.alerts.push(words.text); },
    openErrorDialog: async (words) => { seen.errors.push(words.message); },
    openConfirmDialog: async (words) => {
      seen.questions.push(words.text);
      return { confirmed: scene.confirms !== false };
    },
    openForm: async (options, values) => { seen.opened.push([options, values]); },
  },
};
const grid = { refresh: () => { seen.refreshed += 1; } };
const on = scene.form;
const form = on && {
  data: {
    entity: {
      getId: () => on.id,
      getEntityName: () => on.table,
      getPrimaryAttributeValue: () => on.name,
    },
  },
  ui: { getFormType: () => on.formType || 2 },
};

const world = vm.createContext({ Xrm });
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), world, { filename: process.argv[2] });
const script = world.SpotlerPerson;
Promise.resolve(on ? script.newJob(form) : script.newJobs(grid, scene.selected)).then(() =>
  process.stdout.write(JSON.stringify(seen))
);
