// What the roles of our teams share: the files of the work, and the sets of tools.

/** Where reviews are written. */
export const REVIEWS = '/reviews';
/** The journal that planners, coders and reviewers keep. */
export const JOURNAL = '/journal.md';
/** The files of a plan. */
export const PLAN_FILES = ['/engineering_plan.md', '/assembly_definition.yaml', '/todo.md', JOURNAL];
/** The files of a solution. */
export const SOLUTION_FILES = ['/solution_script.mjs', '/scene.xml'];

/** The tools that look at files. */
export const READING_TOOLS = ['list_files', 'read_file', 'grep'];
/** The tools of those who make something. */
export const WRITING_TOOLS = [...READING_TOOLS, 'write_file', 'edit_file', 'ask_person'];
/** The tools that find parts and add up what they cost. */
export const COSTING_TOOLS = ['search_cots_catalog', 'validate_costing_and_price'];
