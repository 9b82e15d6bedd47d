import Basics
import GRDB

extension MailLog {
  /// Who sent how much (R25): Rank, Domain, User, Account type, Bandwidth KB, Connections; messages, recipients, via.
  ///
  /// - Parameter accountType: names the kind of an account, such as its offer.
  package func outUsage(
    _ query: ReportQuery, accountType: @Sendable (String) async throws -> String?
  ) async throws -> MailReport {
    let owner = query.owner("coalesce(account, sender)")
    let rows = try await rows(
      """
      SELECT \(owner) AS owner, sum(size), count(DISTINCT coalesce(session, id)), count(*), sum(recipients),
        group_concat(DISTINCT CASE WHEN via LIKE 'open-smtp%' THEN 'open-smtp' WHEN via LIKE 'local:%' THEN 'site'
          ELSE 'auth' END)
      FROM event WHERE number >= ? AND number < ? AND kind = 1 AND via IS NOT NULL
      GROUP BY owner ORDER BY sum(size) DESC, owner
      """, query.eventRange)
    var report = MailReport(
      columns: [
        "Rank", "Domain", "User", "Account type", "Bandwidth KB", "Connections", "Messages", "Recipients", "Via",
      ], rows: [])
    for (index, row) in rows.enumerated() {
      let owner: String = row[0]
      let isUser = query.owner == .user
      let domain = isUser ? owner.split(separator: "@").last.map(String.init) ?? owner : owner
      let type = isUser ? try await accountType(owner) : nil
      report.rows.append([
        .number(Int64(index + 1)), .text(domain), isUser ? .text(owner) : .none, type.map { .text($0) } ?? .none,
        .number(Self.kilobytes(row[1])), .number(row[2]), .number(row[3]), .number(row[4]), .text(row[5]),
      ])
    }
    return report
  }

  /// How connections to other servers fared: Day, Avg active connections, Connections, Failed connections; by cause,
  /// TLS share, top destinations.
  package func outConnections(_ query: ReportQuery) async throws -> MailReport {
    let bucket = query.bucket("(hour * 3600)")
    let owner = query.owner == .server ? "'*'" : "name"
    let causes = ["timeout", "refused", "tls-failed", "4xx", "5xx", "other"]
    let sums = causes.map { "sum(CASE WHEN detail = '\($0)' THEN count ELSE 0 END)" }.joined(separator: ", ")
    let rows = try await rows(
      """
      SELECT bucket, owner, sum(CASE WHEN metric = 'outbound-open' AND name = 'sum' THEN count ELSE 0 END) AS open,
        sum(CASE WHEN metric = 'outbound-open' AND name = 'samples' THEN count ELSE 0 END) AS samples,
        sum(CASE WHEN detail IN ('tls', 'dane') THEN count ELSE 0 END) AS tls,
        sum(CASE WHEN detail = 'clear' THEN count ELSE 0 END) AS clear, \(sums)
      FROM (SELECT \(bucket) AS bucket, CASE WHEN metric = 'outbound-open' THEN '*' ELSE \(owner) END AS owner,
          metric, name, detail, count
        FROM tally WHERE hour >= ? AND hour < ? AND metric IN ('outbound', 'outbound-open'))
      GROUP BY bucket, owner ORDER BY bucket, owner
      """, query.hourRange)
    let tops = try await self.rows(
      """
      SELECT \(bucket) AS bucket, name, sum(count) FROM tally
      WHERE hour >= ? AND hour < ? AND metric = 'outbound' GROUP BY bucket, name ORDER BY bucket, sum(count) DESC, name
      """, query.hourRange)
    var names: [Int64: [String]] = [:]
    for row in tops where names[row[0], default: []].count < 3 { names[row[0], default: []].append(row[1]) }
    let columns = [
      "Day", "Avg active connections", "Connections", "Failed connections", "Timeout", "Refused", "TLS failed", "4xx",
      "5xx", "Other", "TLS share", "Top destinations",
    ]
    return MailReport(
      columns: query.owner == .server ? columns : [columns[0], "Destination"] + columns.dropFirst(),
      rows: rows.compactMap { row in
        let samples: Int64 = row[3]
        let (tls, clear): (Int64, Int64) = (row[4], row[5])
        let causes: [Int64] = (6..<12).map { row[$0] }
        let failed = causes.reduce(0, +)
        if query.owner != .server, tls + clear + failed == 0 { return nil }
        var cells: [MailReport.Cell] = [query.title(row[0])]
        if query.owner != .server { cells.append(.text(row[1])) }
        let open: Int64 = row[2]
        cells.append(samples > 0 ? .decimal(Double(open) / Double(samples)) : .none)
        cells += [.number(tls + clear + failed), .number(failed)]
        cells += causes.map { .number($0) }
        cells.append(tls + clear > 0 ? .decimal(Double(tls) / Double(tls + clear)) : .none)
        cells.append(.text(query.owner == .server ? names[row[0], default: []].joined(separator: " ") : row[1]))
        return cells
      })
  }

  /// What became of mail to other servers: Day, Sender, Recipient domain, Messages, Bytes, Delivered, Deferred,
  /// Bounced, Expired 24 h, mean delay, queue id.
  package func outgoing(_ query: ReportQuery) async throws -> MailReport {
    let bucket = query.bucket("(number / 4096000)")
    let rows = try await rows(
      """
      SELECT \(bucket) AS bucket, \(query.owner("sender")) AS owner,
        lower(\(ReportQuery.domain("recipient"))) AS domain,
        count(DISTINCT id), sum(CASE WHEN kind = 2 THEN size ELSE 0 END), sum(kind = 4),
        count(DISTINCT CASE WHEN kind = 5 THEN id || ' ' || recipient END),
        sum(kind = 6 AND coalesce(status, '') <> '4.4.7'), sum(kind = 6 AND coalesce(status, '') = '4.4.7'),
        avg(CASE WHEN kind = 4 THEN delay END), max(id)
      FROM event WHERE number >= ? AND number < ? AND kind IN (2, 4, 5, 6)
      GROUP BY bucket, owner, domain ORDER BY bucket, owner, domain
      """, query.eventRange)
    return MailReport(
      columns: [
        "Day", "Sender", "Recipient domain", "Messages", "Bytes", "Delivered", "Deferred", "Bounced", "Expired 24 h",
        "Mean delay", "Queue id",
      ],
      rows: rows.map { row in
        let delay = row.decimal(9)
        let sender: String = row[1]
        return [
          query.title(row[0]), .text(sender.isEmpty ? "<>" : sender), .text(row[2]), .number(row[3]), .number(row[4]),
          .number(row[5]), .number(row[6]), .number(row[7]), .number(row[8]),
          delay.map { .decimal($0 / 1000) } ?? .none, .text(row[10]),
        ]
      })
  }

  static func kilobytes(_ octets: Int64) -> Int64 { (octets + 1023) / 1024 }
}
