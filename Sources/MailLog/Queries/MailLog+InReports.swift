import Basics
import GRDB

extension MailLog {
  /// Mail in and out: Day, Domain, In msgs, Out msgs, In spam, Out spam, In KB, Out KB.
  ///
  /// - Parameter isOurs: whether an owner (domain or account) is one of this host; others are left out.
  package func traffic(
    _ query: ReportQuery, isOurs: @Sendable (String) async throws -> Bool
  ) async throws -> MailReport {
    let bucket = query.bucket("(number / 4096000)")
    let rows = try await rows(
      """
      SELECT bucket, owner, sum(own_in), sum(own_out), sum(own_in AND spam), sum(own_out AND spam),
        sum(CASE WHEN own_in THEN size ELSE 0 END), sum(CASE WHEN own_out THEN size ELSE 0 END)
      FROM (
        SELECT \(bucket) AS bucket, \(query.owner("recipient")) AS owner, 1 AS own_in, 0 AS own_out, spam, size
          FROM event WHERE number >= ? AND number < ? AND kind = 3
        UNION ALL
        SELECT \(bucket), \(query.owner("coalesce(account, sender)")), 0, 1, spam, size
          FROM event WHERE number >= ? AND number < ? AND kind = 1 AND via IS NOT NULL)
      GROUP BY bucket, owner ORDER BY bucket, owner
      """, query.eventRange + query.eventRange)
    var report = MailReport(
      columns: ["Day", "Domain", "In msgs", "Out msgs", "In spam", "Out spam", "In KB", "Out KB"], rows: [])
    for row in rows {
      let owner: String = row[1]
      if query.owner != .server { guard try await isOurs(owner) else { continue } }
      report.rows.append([
        query.title(row[0]), .text(owner), .number(row[2]), .number(row[3]), .number(row[4]), .number(row[5]),
        .number(Self.kilobytes(row[6])), .number(Self.kilobytes(row[7])),
      ])
    }
    return report
  }

  /// What was taken for spam or refused: Day, Domain/User, Tagged, rejected by cause, Outgoing blocked, Sender-matching
  /// refusals.
  package func spam(_ query: ReportQuery) async throws -> MailReport {
    let eventBucket = query.bucket("(number / 4096000)")
    let tallyBucket = query.bucket("(hour * 3600)")
    let causes = ["dnsbl", "spf", "dkim", "dmarc", "badmailfrom", "dns-mx", "scanner"]
    let sums = causes.map { "sum(CASE WHEN detail = '\($0)' THEN count ELSE 0 END)" }.joined(separator: ", ")
    let rows = try await rows(
      """
      SELECT bucket, owner, sum(CASE WHEN detail = 'tagged' THEN count ELSE 0 END), \(sums),
        sum(CASE WHEN detail IN ('relay', 'rate') THEN count ELSE 0 END),
        sum(CASE WHEN detail = 'not-owned' THEN count ELSE 0 END)
      FROM (
        SELECT \(eventBucket) AS bucket, \(query.owner("recipient")) AS owner, 'tagged' AS detail, 1 AS count
          FROM event WHERE number >= ? AND number < ? AND kind = 3 AND spam
        UNION ALL
        SELECT \(tallyBucket), \(query.owner("name")), detail, count FROM tally
          WHERE hour >= ? AND hour < ? AND metric = 'refused'
            AND detail IN ('dnsbl', 'spf', 'dkim', 'dmarc', 'badmailfrom', 'dns-mx', 'scanner', 'relay', 'rate',
              'not-owned'))
      GROUP BY bucket, owner ORDER BY bucket, owner
      """, query.eventRange + query.hourRange)
    return MailReport(
      columns: [
        "Day", "Domain/User", "Tagged", "DNSBL", "SPF", "DKIM", "DMARC", "badmailfrom", "DNS_MX", "Scanner",
        "Outgoing blocked", "Sender-matching refusals",
      ],
      rows: rows.map { row in [query.title(row[0]), .text(row[1])] + (2..<12).map { .number(row[$0]) } })
  }

  /// Who logged in: Day, Account, POP, IMAP, SMTP, Throttled, Failed, OPEN-SMTP rows, Nets.
  package func access(_ query: ReportQuery) async throws -> MailReport {
    let bucket = query.bucket("(hour * 3600)")
    let logins = ["pop", "imap", "smtp"].map {
      "sum(CASE WHEN metric = 'login' AND detail = '\($0)' THEN count ELSE 0 END)"
    }
    let others = ["throttled", "failed-login", "lease"].map {
      "sum(CASE WHEN metric = '\($0)' THEN count ELSE 0 END)"
    }
    let rows = try await rows(
      """
      SELECT \(bucket) AS bucket, \(query.owner("name")) AS owner, \((logins + others).joined(separator: ", ")),
        count(DISTINCT CASE WHEN metric = 'lease' THEN detail END)
      FROM tally WHERE hour >= ? AND hour < ? AND metric IN ('login', 'failed-login', 'throttled', 'lease')
      GROUP BY bucket, owner ORDER BY bucket, owner
      """, query.hourRange)
    return MailReport(
      columns: ["Day", "Account", "POP", "IMAP", "SMTP", "Throttled", "Failed", "OPEN-SMTP rows", "Nets"],
      rows: rows.map { row in [query.title(row[0]), .text(row[1])] + (2..<9).map { .number(row[$0]) } })
  }

  /// What public blacklists said of our addresses (R70): Day, Address, List, State, Checks.
  package func listings(_ query: ReportQuery) async throws -> MailReport {
    let bucket = query.bucket("(hour * 3600)")
    let rows = try await rows(
      """
      SELECT \(bucket) AS bucket, name, detail, sum(count) FROM tally
      WHERE hour >= ? AND hour < ? AND metric = 'listing'
      GROUP BY bucket, name, detail ORDER BY bucket, name, detail
      """, query.hourRange)
    return MailReport(
      columns: ["Day", "Address", "List", "State", "Checks"],
      rows: rows.map { row in
        let words = (row[2] as String).split(separator: " ", maxSplits: 1).map(String.init)
        return [
          query.title(row[0]), .text(row[1]), .text(words.first ?? ""), .text(words.dropFirst().first ?? ""),
          .number(row[3]),
        ]
      })
  }

  /// Which limits were hit: Day, Net/Account, Limit, Count.
  package func limits(_ query: ReportQuery) async throws -> MailReport {
    let bucket = query.bucket("(hour * 3600)")
    let rows = try await rows(
      """
      SELECT \(bucket) AS bucket, \(query.owner == .domain ? "name" : query.owner("name")) AS owner, detail, sum(count)
      FROM tally WHERE hour >= ? AND hour < ? AND metric = 'limit'
      GROUP BY bucket, owner, detail ORDER BY bucket, owner, detail
      """, query.hourRange)
    return MailReport(
      columns: ["Day", "Net/Account", "Limit hit", "Count"],
      rows: rows.map { row in [query.title(row[0]), .text(row[1]), .text(row[2]), .number(row[3])] })
  }
}
