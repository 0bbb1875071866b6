/** What a field of a form holds as text, without blanks around it; empty where there is no such field. */
export function fieldOf(given: FormData, name: string): string {
  const value = given.get(name);
  return typeof value === 'string' ? value.trim() : '';
}
