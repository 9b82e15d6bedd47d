import Accounts
import ArgumentParser
import Basics
import MailLog
import MailSyntax
import MartinetServer

/// `martinet report`: what was sent, received, refused and tried (R25).
struct ReportCommand: HostCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Print a report: who sent how much, how connections fared, traffic, spam, logins, limits.",
    discussion: """
      Reports: smtp-out-usage, smtp-out-connections, outgoing, traffic, spam, access, limits, dnsbl.
      The last seven days when no time is given; what is older than log.retention is gone.
      """)

  /// The reports.
  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case outUsage = "smtp-out-usage"
    case outConnections = "smtp-out-connections"
    case outgoing, traffic, spam, access, limits, dnsbl
  }

  /// How it is printed.
  enum Format: String, ExpressibleByArgument, CaseIterable { case table, csv, json }

  @Argument(help: ArgumentHelp("Which report.", valueName: "report")) var kind: Kind
  @Option(help: ArgumentHelp("From: 2026-11-22, 2026-11-22T08:00Z, or 30d for thirty days ago.", valueName: "time"))
  var from: TimeArgument?
  @Option(help: ArgumentHelp("Until; a date is the whole of its day.", valueName: "time")) var to: TimeArgument?
  @Option(help: "How long one row is.") var step: ReportQuery.Step = .day
  @Option(help: "Whom one row is about.") var by: ReportQuery.Owner?
  @Option(help: "How it is printed; json is the same as --json.") var format: Format = .table
  @OptionGroup var options: CommonOptions

  var common: CommonOptions {
    var common = options
    if format == .json { common.json = true }
    return common
  }

  func execute(_ context: CommandContext) async throws -> CommandResult {
    let now = SystemTime().now
    let end = to.map { $0.isDate ? $0.value + .seconds(86_400) : $0.value } ?? now + .seconds(1)
    let start = from?.value ?? end - .seconds(7 * 86_400)
    guard start < end else { throw CommandFailure(.usage, "--from must lie before --to") }
    let rooms = try await context.rooms()
    try await context.writeLog()
    let query = ReportQuery(from: start, to: end, step: step, owner: by ?? Self.owner(kind))
    let report = try await make(query, rooms)
    let text = format == .csv ? ReportOutput.csv(report) : ReportOutput.table(report)
    return CommandResult(ReportOutput.json(report), text: text)
  }

  private static func owner(_ kind: Kind) -> ReportQuery.Owner {
    switch kind {
    case .outUsage, .access, .outgoing: .user
    case .outConnections, .dnsbl: .server
    case .traffic, .spam, .limits: .domain
    }
  }

  private func make(_ query: ReportQuery, _ rooms: HostRooms) async throws -> MailReport {
    switch kind {
    case .outUsage:
      return try await rooms.mailLog.outUsage(query) { name in
        guard let account = try? await rooms.accounts.account(login: name) else { return nil }
        return account.offer.name ?? "no offer"
      }
    case .outConnections: return try await rooms.mailLog.outConnections(query)
    case .outgoing: return try await rooms.mailLog.outgoing(query)
    case .spam: return try await rooms.mailLog.spam(query)
    case .access: return try await rooms.mailLog.access(query)
    case .traffic: return try await traffic(query, rooms)
    case .limits: return try await limits(query, rooms)
    case .dnsbl: return try await rooms.mailLog.listings(query)
    }
  }

  /// Adds Mailboxes and Quota used/allowed, as they are now.
  private func traffic(_ query: ReportQuery, _ rooms: HostRooms) async throws -> MailReport {
    var report = try await rooms.mailLog.traffic(query) { owner in
      let name = owner.split(separator: "@").last.map(String.init) ?? owner
      guard let domain = try? MailDomain(name) else { return false }
      return try await rooms.accounts.isHosted(domain)
    }
    report.columns += ["Mailboxes", "Quota used", "Quota allowed"]
    var known: [String: [MailReport.Cell]] = [:]
    for index in report.rows.indices {
      guard case .text(let owner) = report.rows[index][1] else { continue }
      if known[owner] == nil { known[owner] = try await Self.holdings(owner, rooms) }
      report.rows[index] += known[owner] ?? [.none, .none, .none]
    }
    return report
  }

  private static func holdings(_ owner: String, _ rooms: HostRooms) async throws -> [MailReport.Cell] {
    var accounts: [Account] = []
    if owner.contains("@") {
      accounts = (try? await rooms.accounts.account(login: owner)).map { [$0] } ?? []
    } else {
      let domains = owner == "*" ? try await rooms.accounts.domains().map(\.name.ascii) : [owner]
      for domain in domains { accounts += (try? await rooms.accounts.accounts(domain: domain)) ?? [] }
    }
    var used: Int64 = 0
    var allowed: Int64? = 0
    for account in accounts {
      used += (try? await rooms.store.quotaUse(rooms.mailAccount(account)))?.bytes ?? 0
      allowed = account.quota.bytes.flatMap { quota in allowed.map { $0 + quota } }
    }
    return [.number(Int64(accounts.count)), .number(used), allowed.map { .number($0) } ?? .text("none")]
  }

  /// Adds how long the network is blacklisted, and how an earlier entry ended.
  private func limits(_ query: ReportQuery, _ rooms: HostRooms) async throws -> MailReport {
    var report = try await rooms.mailLog.limits(query)
    report.columns += ["Blacklisted until", "Lifted by"]
    for index in report.rows.indices {
      guard case .text(let owner) = report.rows[index][1], let net = IPNetwork(owner) else {
        report.rows[index] += [.none, .none]
        continue
      }
      let told = try await rooms.relay.explainBlacklist(net.address)
      let until = told.entry.map { MailReport.Cell.text($0.expires?.rfc3339 ?? "until lifted") }
      report.rows[index] += [until ?? .none, told.history.first.map { .text($0.how) } ?? .none]
    }
    return report
  }
}

extension ReportQuery.Step: ExpressibleByArgument {}
extension ReportQuery.Owner: ExpressibleByArgument {}
