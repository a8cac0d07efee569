// Opens a workbook, replaces a text in one cell, and saves it: what somebody does in a program that is not openpyxl.
const [folder, file, before, after] = process.argv.slice(2);
const XLSX = require(`${folder}/node_modules/xlsx`);

const workbook = XLSX.readFile(file);
let replaced = 0;
for (const sheet of Object.values(workbook.Sheets)) {
  for (const [address, cell] of Object.entries(sheet)) {
    if (!address.startsWith("!") && cell.v === before) {
      sheet[address] = { t: "s", v: after };
      replaced += 1;
    }
  }
}
XLSX.writeFile(workbook, file);
console.log(JSON.stringify({ replaced }));
