import ArgumentParser
import Basics
import MailSyntax
import MartinetServer
import RelayAccess

/// `martinet open-smtp`: the networks for which a POP or IMAP login opened SMTP.
struct OpenSMTPCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open-smtp", abstract: "Show, test, give and take back the right to send after reading mail.",
    subcommands: [List.self, Check.self, Add.self, Revoke.self, Purge.self, Export.self])

  /// `martinet open-smtp list`.
  struct List: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "List leases.",
      discussion: "States: live, shared, paused, expired, revoked; the last two are shown with --all or --state only.")
    @Option(help: "Only those that cover this address.") var ip: ClientAddress?
    @Option(help: "Only this account's.") var account: String?
    @Option(help: "Only this domain's.") var domain: String?
    @Option(help: ArgumentHelp("Only those in this state.", valueName: "state")) var state: LeaseState?
    @Flag(help: "Ended and revoked ones too, while they are kept.") var all = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard [ip != nil, account != nil, domain != nil].filter({ $0 }).count <= 1 else {
        throw ValidationError("--ip, --account and --domain exclude each other")
      }
    }

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let filter = try LeaseFilter.make(ip: ip, account: account, domain: domain) ?? .all
      let leases = try await context.rooms().relay.leases(filter).filter { lease in
        if let state { return lease.state == state.value }
        return all || (lease.state != .expired && lease.state != .revoked)
      }
      let now = SystemTime().now
      var table = Table("NET", "ACCOUNT", "PROTO", "LAST", "EXPIRES-IN", "LOGINS", "MSGS", "STATE", "NODE")
      for lease in leases {
        table.add(
          lease.net.description, lease.account, lease.proto, lease.lastSeen.rfc3339,
          TimeText.remaining(until: lease.expires, now: now), "\(lease.logins)", "\(lease.messages)",
          lease.state.rawValue, lease.node)
      }
      return CommandResult(.array(leases.map { JSONValue($0) }), text: table.text)
    }
  }

  /// `martinet open-smtp check`.
  struct Check: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say whether a client may send outside now, and by whose right.",
      discussion: "Exit code 0 when it may, 1 when not.")
    @Argument(help: "The client's address.") var ip: ClientAddress
    @Option(help: ArgumentHelp("The sender it would use.", valueName: "address")) var from: String?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let sender = try from.map { try AddressArgument.address($0) }
      let answer = try await context.rooms().relay.check(ip.value, from: sender)
      let data: JSONValue = [
        "ip": .string(ip.value.description), "net": .string(answer.net.description),
        "allowed": .bool(answer.isAllowed), "reason": .string(answer.reason), "account": JSONValue(answer.account),
        "expires": JSONValue(answer.lease?.expires.rfc3339), "lease": JSONValue(answer.lease?.id),
        "reply": JSONValue(answer.reply),
      ]
      if answer.isAllowed {
        let end = answer.lease.map { ", until \($0.expires.rfc3339)" } ?? ""
        return CommandResult(data, text: "ALLOW \(answer.reason) \(answer.account ?? "")\(end)")
      }
      return CommandResult(
        data, text: ["DENY \(answer.reason)", answer.reply].compactMap { $0 }.joined(separator: "\n"), status: .refused)
    }
  }

  /// `martinet open-smtp add`.
  struct Add: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Open SMTP for a network on an account's charge.")
    @Argument(help: "An address or network.") var net: ClientNetwork
    @Option(help: "user@domain or user%domain.") var account: String
    @Option(help: ArgumentHelp("How long; the configured lifetime when left out.", valueName: "duration"))
    var ttl: DurationArgument?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let account = try await rooms.accounts.account(login: account)
      let lease = try await rooms.relay.addLease(net.value, account: account, lifetime: ttl?.value)
      return CommandResult(
        JSONValue(lease), text: "opened SMTP for \(lease.net) as \(lease.account) until \(lease.expires.rfc3339)")
    }
  }

  /// `martinet open-smtp revoke`.
  struct Revoke: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Take leases back, at once.")
    @Option(help: "Those that cover this address.") var ip: ClientAddress?
    @Option(help: "This account's.") var account: String?
    @Option(help: "This domain's.") var domain: String?
    @Flag(help: "All of them.") var all = false
    @Option(help: ArgumentHelp("Why; kept with the lease.", valueName: "text")) var reason: String
    @OptionGroup var common: CommonOptions

    func validate() throws {
      guard [ip != nil, account != nil, domain != nil, all].filter({ $0 }).count == 1 else {
        throw ValidationError("give one of --ip, --account, --domain and --all")
      }
    }

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let filter = try LeaseFilter.make(ip: ip, account: account, domain: domain) ?? .all
      let rooms = try await context.rooms()
      switch filter {
      case .account(let address): _ = try await rooms.accounts.account(login: address.key)
      case .domain(let domain): _ = try await rooms.accounts.domain(domain.ascii)
      default: break
      }
      let revoked = try await rooms.relay.revoke(filter, reason: reason)
      return CommandResult(
        ["revoked": .array(revoked.map { JSONValue($0) })],
        text: revoked.isEmpty
          ? "nothing to revoke" : revoked.map { "revoked \($0.net) \($0.account)" }.joined(separator: "\n"))
    }
  }

  /// `martinet open-smtp purge`.
  struct Purge: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Clear ended and revoked leases away now (clearopensmtp).",
      discussion: "No lease counts after its end, purged or not.")
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let count = try await context.rooms().relay.purgeLeases()
      return CommandResult(["purged": JSONValue(count)], text: "purged \(count)")
    }
  }

  /// `martinet open-smtp export`.
  struct Export: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the open networks in another program's form.")
    @Option(help: "tcprules, postfix or exim.") var format: ExportFormat
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let text = try await context.rooms().relay.export(format.value)
      return CommandResult(["format": .string(format.value.rawValue), "text": .string(text)], text: text)
    }
  }
}

extension LeaseFilter {
  /// The filter that options name; `nil` when none is given.
  static func make(ip: ClientAddress?, account: String?, domain: String?) throws -> LeaseFilter? {
    if let ip { return .address(ip.value) }
    if let account { return .account(try AddressArgument.login(account)) }
    if let domain { return .domain(try AddressArgument.domain(domain)) }
    return nil
  }
}

extension JSONValue {
  /// A lease as `open-smtp list --json` shows it.
  init(_ lease: Lease) {
    self = [
      "net": .string(lease.net.description), "account": .string(lease.account), "proto": .string(lease.proto),
      "tls": .bool(lease.tls), "first_seen": .string(lease.firstSeen.rfc3339),
      "last_seen": .string(lease.lastSeen.rfc3339), "expires": .string(lease.expires.rfc3339),
      "logins": JSONValue(lease.logins), "origin": .string(lease.origin.rawValue),
      "state": .string(lease.state.rawValue), "id": .string(lease.id), "messages": JSONValue(lease.messages),
      "recipients": JSONValue(lease.recipients), "node": .string(lease.node),
      "revoked_at": JSONValue(lease.revokedAt?.rfc3339), "revoked_why": JSONValue(lease.revokedWhy),
    ]
  }
}
