import Accounts
import ArgumentParser
import Basics
import MailSyntax
import MartinetServer

#if canImport(Glibc)
  import Glibc
#endif

/// `martinet domain`: hosted domains, their alias domains and their limits.
struct DomainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "domain", abstract: "Add, show, change and remove hosted domains.",
    subcommands: [
      Add.self, List.self, Info.self, Set.self, Remove.self, DomainAliasCommand.self, DomainLimitsCommand.self,
      DomainVerifyCommand.self, DomainRecordsCommand.self,
    ])

  /// `martinet domain add`: a domain, and the postmaster it must have (R55).
  struct Add: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add a domain and its postmaster.",
      discussion: "The password given is postmaster's. Without one nobody can log in as postmaster until it is set.")
    @Argument(help: "The domain, in any script.") var domain: String
    @Option(help: "The offer its accounts get.") var offer: String?
    @Option(name: .customLong("catchall"), help: "bounce, delete or an address.") var catchAll = "bounce"
    @Option(help: "A note.") var comment = ""
    @OptionGroup var password: PasswordOptions
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      var given: (password: String, isRandom: Bool)?
      if password.random || password.passwordFile != nil || Terminal.isInteractive {
        given = try password.read(prompt: "Password of postmaster: ")
      }
      let rooms = try await context.rooms()
      let info = try await rooms.accounts.addDomain(
        domain, offer: offer, catchAll: CatchAll(catchAll),
        postmaster: given.map { .clear(Array($0.password.utf8)) } ?? .none, comment: comment)
      let postmaster = "\(postmasterName)@\(info.name)"
      var warnings = await MailFolders.create([postmaster], rooms)
      if given == nil {
        warnings.append("\(postmaster) has no password yet; set one with: martinet account passwd \(postmaster)")
      }
      if info.catchAll == .delete { warnings.append("mail for names nobody has will vanish") }
      try await context.poke()
      var members: [(String, JSONValue)] = [("domain", JSONValue(info)), ("postmaster", .string(postmaster))]
      var text = "added \(info.name) with \(postmaster)"
      if let given, given.isRandom {
        members.append(("password", .string(given.password)))
        text += "\npassword: \(given.password)"
      }
      return CommandResult(.object(members), text: text, warnings: warnings)
    }
  }

  /// `martinet domain list`.
  struct List: HostCommand {
    static let configuration = CommandConfiguration(abstract: "List all domains.")
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let domains = try await context.rooms().accounts.domains()
      var table = Table("DOMAIN", "STATE", "ACCOUNTS", "ALIASES", "OFFER", "CATCHALL", "ALIAS DOMAINS")
      for domain in domains {
        table.add(
          domain.name.ascii, domain.suspended ? "suspended" : "active", "\(domain.accountCount)",
          "\(domain.aliasCount)", domain.offer ?? "-", "\(domain.catchAll)",
          domain.aliasDomains.map(\.ascii).joined(separator: " "))
      }
      return CommandResult(.array(domains.map { JSONValue($0) }), text: table.text)
    }
  }

  /// `martinet domain info`.
  struct Info: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Show one domain.")
    @Argument(help: "The domain, or one of its alias domains.") var domain: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let info = try await context.rooms().accounts.domain(domain)
      return CommandResult(JSONValue(info), text: DomainCommand.text(info))
    }
  }

  /// `martinet domain set`.
  struct Set: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Change a domain: lock it, allow or deny services, give it an offer.")
    @Argument(help: "The domain.") var domain: String
    @Option(help: "Lock (on) or unlock (off) all its accounts.") var suspended: Switch?
    @OptionGroup var flags: ServiceFlags
    @Option(help: "Another offer for its accounts; none for none.") var offer: String?
    @Option(help: "The characters that begin an extension (user+ext): some of + - = _.") var delimiters: String?
    @Option(help: "A note.") var comment: String?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let info = try await context.rooms().accounts.setDomain(
        domain, suspended: suspended?.isOn, allow: flags.allowed, deny: flags.denied,
        offer: offer.map { $0 == "none" ? "" : $0 }, delimiters: delimiters, comment: comment)
      try await context.poke()
      return CommandResult(JSONValue(info), text: DomainCommand.text(info))
    }
  }

  /// `martinet domain rm`.
  struct Remove: HostCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Remove a domain with its accounts, aliases and mail.")
    @Argument(help: "The domain.") var domain: String
    @Flag(help: "Leave the mail on disk.") var keepMail = false
    @OptionGroup var confirmation: Confirmation
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let info = try await rooms.accounts.domain(domain)
      let aliases = info.aliasDomains.map(\.ascii)
      let also = aliases.isEmpty ? "" : ", and its alias domains \(aliases.joined(separator: ", "))"
      try confirmation.confirm(
        "\(info.name) with \(info.accountCount) accounts and \(info.aliasCount) aliases is removed\(also).")
      let gone = try await rooms.accounts.removeDomain(domain)
      try await context.poke()
      let warnings = await MailFolders.remove(gone, keepMail: keepMail, rooms)
      // Stays when anything is left in it.
      rmdir("\(rooms.folder.mail)/\(info.name)")
      return CommandResult(
        [
          "name": .string(info.name.ascii), "accounts": JSONValue(gone.map(\.key)),
          "alias_domains": JSONValue(aliases), "mail_kept": .bool(keepMail),
        ], text: "removed \(info.name) with \(gone.count) accounts", warnings: warnings)
    }
  }

  static func text(_ info: DomainInfo) -> String {
    let limits = [
      info.limits.accounts.map { "\($0) accounts" }, info.limits.aliases.map { "\($0) aliases" },
      info.limits.quota.map { "\(ByteSize($0)) in all" },
    ].compactMap { $0 }
    return Words.facts([
      ("domain", info.name.ascii), ("also written", info.name.unicode == info.name.ascii ? "" : info.name.unicode),
      ("state", info.suspended ? "suspended" : "active"), ("offer", info.offer ?? "-"),
      ("denied", Words.services(info.denied)), ("catch-all", "\(info.catchAll)"), ("extensions", info.delimiters),
      ("accounts", "\(info.accountCount)"), ("aliases", "\(info.aliasCount)"),
      ("alias domains", info.aliasDomains.map(\.ascii).joined(separator: " ")),
      ("limits", limits.joined(separator: ", ")), ("created", info.createdAt.rfc3339), ("comment", info.comment),
    ])
  }
}
