/**
 * Densities in g/cm³ at room temperature: typical values of unfilled grades, good for a budget of weight and not for a
 * certificate. Sources: 6061 aluminum makeitfrom.com; steel and Ti-6Al-4V iteraio.com "Material Properties Database"; PLA
 * Spoolman's materials.json; the other plastics within the ranges of polymerfacts.com "Polymer Density Chart" and
 * matmake.com "Density of Common Polymers", POM and PETG of 24kjx.com "Common Plastic Density".
 */
export const DENSITY_G_CM3: Readonly<Record<string, number>> = {
  aluminum_6061: 2.7,
  titanium_6al4v: 4.43,
  steel: 7.85,
  hdpe: 0.95,
  abs: 1.04,
  pla: 1.24,
  petg: 1.27,
  nylon_6: 1.13,
  pom: 1.41,
  polycarbonate: 1.2,
  pmma: 1.18,
  ptfe: 2.17,
};
