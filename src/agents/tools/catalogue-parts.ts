/** The kinds of part that the catalogue holds. */
export type CatalogueCategory =
  | 'servo'
  | 'gear_motor'
  | 'stepper_motor'
  | 'bearing'
  | 'linear_motion'
  | 'transmission'
  | 'fastener'
  | 'sheet'
  | 'spring'
  | 'electronics';

/** A part that can be bought: price in US dollars for one piece, weight in grams, stall torque in N·m, speed without load. */
export type CataloguePart = {
  part_number: string;
  category: CatalogueCategory;
  description: string;
  price_usd: number;
  weight_g: number;
  torque_nm?: number;
  speed_rpm?: number;
};

/** The state of the catalogue: raised with every change of its figures. */
export const CATALOGUE_VERSION = '2026.11';

type Row = readonly [
  part_number: string,
  description: string,
  price_usd: number,
  weight_g: number,
  torque_nm?: number,
  speed_rpm?: number,
];

/**
 * Common hobby and industrial parts with approximate figures, as makers and shops usually state them, for planning: not
 * transcribed from data sheets or price lists. Stall torques of one servo differ between sources by a third and more.
 * Screws and the like are sold by the pack.
 */
const ROWS: Record<CatalogueCategory, readonly Row[]> = {
  servo: [
    ['ServoMotor_SG90', 'TowerPro SG90 micro servo, plastic gears, 4.8 V', 3.5, 9, 0.18, 100],
    ['ServoMotor_MG90S', 'TowerPro MG90S micro servo, metal gears, 6 V', 5.95, 13.4, 0.22, 125],
    ['ServoMotor_HS422', 'Hitec HS-422 standard servo, nylon gears, 6 V', 14.99, 45.5, 0.4, 63],
    ['ServoMotor_MG996R', 'TowerPro MG996R standard servo, metal gears, 6 V', 9.9, 55, 1.08, 71],
    ['ServoMotor_SCS15', 'Feetech SCS15 serial bus servo, metal gears, 8 V', 16.9, 56, 1.47, 63],
    ['ServoMotor_DS3218', 'DSServo DS3218 digital servo, metal gears, 20 kg, 6.8 V', 18.5, 60, 1.96, 62],
    ['ServoMotor_DS3225', 'DSServo DS3225 digital servo, metal gears, 25 kg, 6.8 V', 21.9, 65, 2.4, 77],
    ['ServoMotor_DS3235', 'DSServo DS3235 digital servo, steel gears, 35 kg, 7.4 V', 29.9, 68, 3.43, 91],
    ['ServoMotor_XL430', 'Robotis Dynamixel XL430-W250-T smart servo, 12 V', 49.9, 57.2, 1.5, 61],
    ['ServoMotor_HS785HB', 'Hitec HS-785HB winch servo, 3.5 turns, 6 V', 49.99, 110, 1.29, 43],
  ],
  gear_motor: [
    ['GearMotor_TT_1_48', 'TT gear motor 1:48, plastic, 6 V', 2.95, 29, 0.08, 200],
    ['GearMotor_N20_100', 'N20 micro metal gear motor 1:100, 6 V', 6.5, 9.5, 0.16, 310],
    ['GearMotor_JGA25_370', 'JGA25-370 metal gear motor 1:75, encoder, 12 V', 14.5, 99, 0.64, 126],
    ['GearMotor_37D_70', 'Pololu 37D metal gear motor 70:1, 12 V', 27.95, 205, 2.65, 150],
    ['GearMotor_37D_131', 'Pololu 37D metal gear motor 131:1, 12 V', 27.95, 215, 4.4, 76],
  ],
  stepper_motor: [
    ['StepperMotor_28BYJ48', '28BYJ-48 geared stepper with ULN2003 driver, 5 V', 3.9, 40, 0.034, 15],
    ['StepperMotor_17HS4401', 'NEMA 17 stepper 17HS4401, 40 mm, 1.7 A', 11.5, 280, 0.4],
    ['StepperMotor_23HS22', 'NEMA 23 stepper 23HS22-2804S, 56 mm, 2.8 A', 24.5, 700, 1.26],
  ],
  bearing: [
    ['BallBearing_608_2RS', 'Deep groove ball bearing 608-2RS, 8 x 22 x 7 mm', 1.2, 12],
    ['BallBearing_623_ZZ', 'Deep groove ball bearing 623-ZZ, 3 x 10 x 4 mm', 0.95, 1.6],
    ['BallBearing_MR105_ZZ', 'Deep groove ball bearing MR105-ZZ, 5 x 10 x 4 mm', 0.9, 1.1],
    ['FlangeBearing_F688_ZZ', 'Flanged ball bearing F688-ZZ, 8 x 16 x 5 mm', 1.1, 4],
    ['BallTransfer_KSM15', 'Ball transfer unit, 15 mm steel ball, flange mount', 2.4, 46],
  ],
  linear_motion: [
    ['LinearBearing_LM8UU', 'Linear ball bearing LM8UU, 8 x 15 x 24 mm', 1.6, 16],
    ['LinearRail_MGN12_300', 'MGN12H rail 300 mm with carriage', 17.9, 254],
    ['LeadScrew_T8_300', 'T8 lead screw 300 mm with brass nut, 8 mm lead', 9.5, 115],
    ['Shaft_8_300', 'Hardened steel shaft 8 x 300 mm, h6', 4.2, 118],
  ],
  transmission: [
    ['Belt_GT2_6_1000', 'GT2 timing belt 6 mm, 1 m, glass fibre', 2.5, 8],
    ['Pulley_GT2_20T_5', 'GT2 pulley 20 teeth, 5 mm bore, aluminum', 1.8, 6],
    ['ServoHorn_25T', 'Aluminum servo horn 25T, 25 mm', 2.2, 5],
    ['Coupling_5_8', 'Flexible coupling 5 mm to 8 mm, aluminum', 2.1, 14],
  ],
  fastener: [
    ['Screw_M3x10_50', 'Socket head cap screws M3 x 10, A2 stainless, pack of 50', 4.5, 43],
    ['Screw_M4x16_25', 'Socket head cap screws M4 x 16, A2 stainless, pack of 25', 4.2, 55],
    ['Nut_M3_100', 'Hex nuts M3, A2 stainless, pack of 100', 3.4, 38],
    ['Insert_M3_50', 'Heat-set threaded inserts M3, brass, pack of 50', 5.9, 30],
    ['Standoff_M3x20_10', 'Hex standoffs M3 x 20, aluminum, pack of 10', 4.9, 14],
  ],
  sheet: [
    ['Sheet_AL6061_3_300x300', 'Aluminum 6061-T6 sheet 3 mm, 300 x 300 mm', 19.5, 729],
    ['Sheet_HDPE_6_300x600', 'HDPE sheet 6 mm, 300 x 600 mm', 14.9, 1026],
    ['Sheet_PMMA_3_300x600', 'Acrylic PMMA sheet 3 mm, clear, 300 x 600 mm', 11.9, 637],
    ['Sheet_Birch_4_300x600', 'Birch plywood sheet 4 mm, 300 x 600 mm', 6.9, 490],
  ],
  spring: [
    ['Spring_Compression_08x8x25', 'Compression spring, 0.8 mm wire, 8 x 25 mm, stainless, pack of 10', 4.1, 15],
    ['Spring_Torsion_1x8', 'Torsion spring, 1 mm wire, 8 mm, 180 degrees, pack of 5', 3.9, 12],
  ],
  electronics: [
    ['ServoDriver_PCA9685', 'PCA9685 servo driver, 16 channels, I2C', 6.5, 16],
    ['Controller_RP2040', 'Raspberry Pi Pico controller, RP2040', 4, 3],
    ['Supply_6V_3A', 'Switching supply 6 V, 3 A, for servos', 9.9, 130],
    ['Buck_LM2596', 'LM2596 step-down converter, 3 A', 1.8, 11],
    ['LimitSwitch_KW12', 'KW12-3 limit switch with roller', 0.6, 2],
  ],
};

/** Every part of the catalogue, by category. */
export const CATALOGUE_PARTS: readonly CataloguePart[] = Object.entries(ROWS).flatMap(([category, rows]) =>
  rows.map(([part_number, description, price_usd, weight_g, torque_nm, speed_rpm]) => ({
    part_number,
    category: category as CatalogueCategory,
    description,
    price_usd,
    weight_g,
    ...(torque_nm !== undefined && { torque_nm }),
    ...(speed_rpm !== undefined && { speed_rpm }),
  })),
);

/** The part of this number, or undefined. */
export const findPart = (part_number: string): CataloguePart | undefined =>
  CATALOGUE_PARTS.find((part) => part.part_number === part_number);
