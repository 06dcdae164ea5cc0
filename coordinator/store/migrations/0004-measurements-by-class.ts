/** The latest measurements of a device class under a scenario are asked for before each search. */
export const measurementsByClass = {
  name: '0004-measurements-by-class',
  sql: 'CREATE INDEX measurements_by_class ON measurements (device_class, scenario_key);',
};
