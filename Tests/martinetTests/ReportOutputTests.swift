import MailLog
import Testing

@testable import martinet

@Suite("Reports as text")
struct ReportOutputTests {
  let report = MailReport(
    columns: ["Day", "Mean delay", "Net/Account"],
    rows: [[.text("2026-11-22"), .decimal(1.5), .text("=cmd|' /C calc'!A0")], [.none, .number(3), .text("a,\"b\"")]])

  @Test("R25: CSV by RFC 4180, with strangers' formulas disarmed")
  func csv() {
    #expect(
      ReportOutput.csv(report)
        == "Day,Mean delay,Net/Account\r\n2026-11-22,1.50,'=cmd|' /C calc'!A0\r\n,3,\"a,\"\"b\"\"\"\r\n")
  }

  @Test("R25: JSON with keys of the titles, tables with dashes")
  func others() {
    #expect(
      ReportOutput.json(report).text
        == "[{\"day\": \"2026-11-22\", \"mean_delay\": 1.5, \"net_account\": \"=cmd|' /C calc'!A0\"}, "
        + "{\"day\": null, \"mean_delay\": 3, \"net_account\": \"a,\\\"b\\\"\"}]")
    #expect(ReportOutput.table(report).hasPrefix("DAY         MEAN DELAY  NET/ACCOUNT\n2026-11-22  1.50"))
  }

  @Test("Times on the command line")
  func times() {
    #expect(TimeArgument(argument: "2026-11-22")?.value.rfc3339 == "2026-11-22T00:00:00Z")
    #expect(TimeArgument(argument: "2026-11-22T08:30Z")?.value.rfc3339 == "2026-11-22T08:30:00Z")
    #expect(TimeArgument(argument: "2h")?.isDate == false)
    for bad in ["", "yesterday", "2026-13-01", "2026-11-22T", "2026-11-22T25:00", "99999999999999999999-01-01"] {
      #expect(TimeArgument(argument: bad) == nil, "\(bad)")
    }
  }
}
