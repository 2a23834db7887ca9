/**
 * Temporal objects as plain data, field by field where text would lose something.
 *
 * @module
 */

type Content = string | bigint | readonly (string | bigint | number)[];

const REFERENCE_DATE = /^([+-]?\d+)-(\d\d)-(\d\d)\[u-ca=(.+)\]$/;

/** The class of a Temporal object, and its data. */
export function temporalContent(
  object: object,
): readonly [name: string, content: Content] {
  const name = (object as { [Symbol.toStringTag]: string })[Symbol.toStringTag]
    .slice("Temporal.".length);
  switch (name) {
    case "Instant":
      return [name, (object as Temporal.Instant).epochNanoseconds];
    case "ZonedDateTime": {
      const zoned = object as Temporal.ZonedDateTime;
      return [name, [
        zoned.epochNanoseconds,
        zoned.timeZoneId,
        zoned.calendarId,
      ]];
    }
    case "Duration": {
      const d = object as Temporal.Duration;
      // Text would turn 1,500 milliseconds into 1 second and 500 milliseconds.
      return [name, [
        d.years,
        d.months,
        d.weeks,
        d.days,
        d.hours,
        d.minutes,
        d.seconds,
        d.milliseconds,
        d.microseconds,
        d.nanoseconds,
      ]];
    }
    case "PlainTime":
      return [name, String(object)];
    case "PlainYearMonth":
    case "PlainMonthDay": {
      // Both are a whole ISO date inside, of which text is read back in part.
      const text = (object as Temporal.PlainYearMonth).toString({
        calendarName: "always",
      });
      const [, year, month, day, calendar] = REFERENCE_DATE.exec(text)!;
      return [name, [Number(year), Number(month), Number(day), calendar!]];
    }
    default:
      return [
        name,
        (object as Temporal.PlainDate).toString({ calendarName: "always" }),
      ];
  }
}

/** The Temporal object with that data; throws if there is none. */
export function temporalObject(name: string, content: unknown): object {
  const list = content as never[];
  switch (name) {
    case "Instant":
      return new Temporal.Instant(content as bigint);
    case "ZonedDateTime":
      return new Temporal.ZonedDateTime(list[0]!, list[1]!, list[2]!);
    case "Duration":
      return new Temporal.Duration(...list);
    case "PlainTime":
      return Temporal.PlainTime.from(content as string);
    case "PlainYearMonth":
      return new Temporal.PlainYearMonth(
        list[0]!,
        list[1]!,
        list[3]!,
        list[2]!,
      );
    case "PlainMonthDay":
      return new Temporal.PlainMonthDay(list[1]!, list[2]!, list[3]!, list[0]!);
    case "PlainDate":
      return Temporal.PlainDate.from(content as string);
    case "PlainDateTime":
      return Temporal.PlainDateTime.from(content as string);
    default:
      throw new RangeError(`there is no class Temporal.${name}`);
  }
}
