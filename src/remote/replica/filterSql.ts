import {
  type Filter,
  type FilterColumn,
  filterColumns,
  type Literal,
  type Operator,
  type ParameterField,
} from "../../scheduler/state/filter";
import { comparedNumber, fold } from "../../scheduler/state/matches";
import { toSnakeCase } from "../../scheduler/state/database";

/** A condition on the rows of `learners`, with the values for its question marks. */
export interface Sql {
  where: string;
  values: (string | number)[];
}

/**
 * A filter as SQL finds by it what `matches` does.
 * @param tableOf the table with a parameter's values
 */
export function filterSql(filter: Filter, tableOf: (field: ParameterField) => string): Sql {
  const parts = filter.map(({ field, operator, value }): Sql => {
    const isNegative = operator.startsWith("!");
    const positive = isNegative ? (operator.slice(1) as Operator) : operator;
    const { where, values } =
      field.kind === "column"
        ? columnSql(filterColumns[field.name], positive, value)
        : parameterSql(tableOf(field), positive, value);
    // Of what has no value only that it is another one is true.
    return { where: isNegative ? `NOT coalesce(${where}, 0)` : where, values };
  });
  return {
    where: ["1", ...parts.map(({ where }) => `(${where})`)].join(" AND "),
    values: parts.flatMap(({ values }) => values),
  };
}

function columnSql(
  { column, isNumber }: (typeof filterColumns)[FilterColumn],
  operator: Operator,
  { texts, number }: Literal,
): Sql {
  const name = toSnakeCase(column);
  if (isNumber) return { where: `${name} ${operator} ?`, values: [number ?? 0] };
  return operator === "~" ? containsSql(`fold(${name})`, texts[0]) : amongSql(name, texts);
}

function parameterSql(table: string, operator: Operator, value: Literal): Sql {
  const { where, values } = valueSql(operator, value);
  return { where: `EXISTS (SELECT 1 FROM ${table} AS p WHERE p.id = learners.id AND ${where})`, values };
}

function valueSql(operator: Operator, value: Literal): Sql {
  const { texts, number } = value;
  if (operator === "~") return containsSql("p.folded", texts[0]);
  const among = amongSql("p.text", texts);
  if (number === null) return among;
  const numberSql = `p.${comparedNumber(value)} ${operator} ?`;
  if (operator !== "=") return { where: numberSql, values: [number] };
  const where = `CASE WHEN p.number IS NULL THEN ${among.where} ELSE ${numberSql} END`;
  return { where, values: [...among.values, number] };
}

const containsSql = (name: string, text: string): Sql => ({ where: `instr(${name}, ?) > 0`, values: [fold(text)] });

const amongSql = (name: string, texts: readonly string[]): Sql => ({
  where: `${name} IN (${texts.map(() => "?").join()})`,
  values: [...texts],
});
