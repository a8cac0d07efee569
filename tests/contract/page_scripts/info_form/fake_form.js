/* The form of Spotler Info with its grid of jobs. Reads a scene as JSON from standard input, loads the form, and writes
   whether the grid is to be seen, its filter, and what was asked.

   scene: {id, owners: {table: [id]}, missing: [table], canFilter, hasGrid} */
"use strict";
const fs = require("fs");
const vm = require("vm");

const scene = JSON.parse(fs.readFileSync(0, "utf8"));
const seen = { visible: true, filter: null, refreshed: 0, asked: [] };
const grid = {
  setVisible: (visible) => { seen.visible = visible; },
  refresh: () => { seen.refreshed += 1; },
};
if (scene.canFilter !== false) grid.setFilterXml = (filter) => { seen.filter = filter; };
const form = {
  getControl: () => (scene.hasGrid === false ? null : grid),
  data: { entity: { getId: () => scene.id && "{" + scene.id.toUpperCase() + "}" } },
};
const Xrm = {
  WebApi: {
    retrieveMultipleRecords: async (table, options) => {
      seen.asked.push([table, options]);
      if ((scene.missing || []).includes(table)) throw new Error("no such table");
      return { entities: ((scene.owners || {})[table] || []).map((id) => ({ [table + "id"]: id })) };
    },
  },
};
const world = vm.createContext({ Xrm });
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), world, { filename: process.argv[2] });
world.SpotlerInfo.onLoad({ getFormContext: () => form }).then(() => process.stdout.write(JSON.stringify(seen)));
