import Accounts
import ArgumentParser
import Basics
import MailSyntax
import MartinetServer

/// `martinet account`: mailboxes with a login.
struct AccountCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "account", abstract: "Add, show, change and remove accounts.",
    discussion: "An account is named user@domain or user%domain.",
    subcommands: [
      Add.self, List.self, Info.self, Set.self, SetPassword.self, Verify.self, Remove.self, AppPasswordCommand.self,
      AccountThrottleCommand.self, AccountPruneCommand.self,
    ])

  /// `martinet account add`.
  struct Add: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add an account.",
      discussion: "The password comes from a prompt, --password-file, --random or --hash; never from an argument.")
    @Argument(help: "user@domain or user%domain.") var account: String
    @Option(help: "An offer of its own instead of its domain's.") var offer: String?
    @Option(help: "What it may hold: 25M, none or offer; within the offer.") var quota: QuotaValue?
    @Option(help: "A crypt(3) or {SCHEME} string from another system.") var hash: String?
    @Option(help: "A note.") var comment = ""
    @OptionGroup var password: PasswordOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
      if hash != nil, password.random || password.passwordFile != nil {
        throw ValidationError("--hash, --random and --password-file exclude each other")
      }
    }

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let given = hash == nil ? try password.read(prompt: "Password: ") : nil
      let secret: NewPassword = hash.map { .hash($0) } ?? given.map { .clear(Array($0.password.utf8)) } ?? .none
      let rooms = try await context.rooms()
      let made = try await rooms.accounts.addAccount(
        NewAccount(account, password: secret, quota: quota?.choice ?? .offer, offer: offer, comment: comment))
      let warnings = await MailFolders.create([made.key], rooms)
      try await context.poke()
      guard let given, given.isRandom else {
        return CommandResult(JSONValue(made), text: "added \(made.key)", warnings: warnings)
      }
      return CommandResult(
        JSONValue(made, adding: [("password", .string(given.password))]),
        text: "added \(made.key)\npassword: \(given.password)", warnings: warnings)
    }
  }

  /// `martinet account list`.
  struct List: HostCommand {
    static let configuration = CommandConfiguration(abstract: "List the accounts of a domain, or of all domains.")
    @Option(help: "Only this domain.") var domain: String?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let accounts = try await context.rooms().accounts
      var domains: [String] = []
      if let domain { domains = [domain] } else { domains = try await accounts.domains().map(\.name.ascii) }
      var table = Table("ACCOUNT", "STATE", "QUOTA", "OFFER", "DENIED", "COMMENT")
      var rows: [JSONValue] = []
      for name in domains {
        for account in try await accounts.accounts(domain: name) {
          rows.append(JSONValue(account))
          table.add(
            account.key, account.suspended ? "suspended" : "active", account.quotaText, account.offer.name ?? "-",
            Words.services(account.denied), account.comment)
        }
      }
      return CommandResult(.array(rows), text: table.text)
    }
  }

  /// `martinet account info`.
  struct Info: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show one account: quota and use, flags, last logins.")
    @Argument(help: "user@domain or user%domain.") var account: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let found = try await rooms.accounts.account(login: account)
      let logins = try await rooms.accounts.lastLogins(found)
      let apps = try await rooms.accounts.appPasswords(found.key)
      let sent = try await rooms.relay.sentThisHour(found)
      let stop = try await rooms.relay.sendingStop(of: found)
      let use = try? await rooms.store.quotaUse(rooms.mailAccount(found))
      let data = JSONValue(
        found,
        adding: [
          ("used", JSONValue(use?.bytes)), ("messages", JSONValue(use?.messages)),
          ("messages_per_hour", JSONValue(found.offer.messagesPerHour)), ("sent_this_hour", JSONValue(sent)),
          (
            "sending_stopped",
            stop.map { ["until": JSONValue($0.until), "reason": .string($0.reason), "net": .string("\($0.net)")] }
              ?? .null
          ),
          (
            "logins",
            .array(
              logins.map { login in
                [
                  "service": .string(login.service.rawValue), "at": JSONValue(login.at), "peer": .string(login.peer),
                  "count": JSONValue(login.logins),
                ]
              })
          ),
          ("app_passwords", .array(apps.map { JSONValue($0) })),
        ])
      let facts =
        AccountCommand.facts(found) + [
          ("in use", use.map { "\($0.bytes) octets in \($0.messages) messages" } ?? ""),
          ("sending", found.offer.messagesPerHour.map { "\(sent ?? 0) of \($0) messages in the last hour" } ?? ""),
          ("stopped", stop.map { "\($0.reason), until \($0.until?.rfc3339 ?? "lifted")" } ?? ""),
          ("app passwords", apps.map(\.name).joined(separator: ", ")),
        ]
      let history = logins.map {
        ("last \($0.service.rawValue)", "\($0.at.rfc3339) from \($0.peer), \($0.logins) in all")
      }
      return CommandResult(data, text: Words.facts(facts + history))
    }
  }

  /// `martinet account set`.
  struct Set: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lock or unlock an account, allow or deny services, change quota, offer or note.")
    @Argument(help: "user@domain or user%domain.") var account: String
    @Option(help: "Lock (on) or unlock (off).") var suspended: Switch?
    @OptionGroup var flags: ServiceFlags
    @Option(help: "What it may hold: 25M, none or offer.") var quota: QuotaValue?
    @Option(help: "An offer of its own; none for its domain's.") var offer: String?
    @Option(help: "A note.") var comment: String?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let changed = try await context.rooms().accounts.setAccount(
        account, suspended: suspended?.isOn, allow: flags.allowed, deny: flags.denied, quota: quota?.choice,
        offer: offer.map { $0 == "none" ? "" : $0 }, comment: comment)
      try await context.poke()
      return CommandResult(JSONValue(changed), text: Words.facts(AccountCommand.facts(changed)))
    }
  }

  /// `martinet account rm`.
  struct Remove: HostCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Remove an account and its mail.",
      discussion: "Aliases no longer lead to it; an alias that led nowhere else is removed too.")
    @Argument(help: "user@domain or user%domain.") var account: String
    @Flag(help: "Leave the mail on disk.") var keepMail = false
    @OptionGroup var confirmation: Confirmation
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let found = try await rooms.accounts.account(login: account)
      // What cannot be removed is not asked about.
      if !found.isPostmaster {
        try confirmation.confirm("\(found.key) is removed\(keepMail ? "; its mail stays" : " with its mail").")
      }
      let removed = try await rooms.accounts.removeAccount(account)
      try await context.poke()
      let warnings = await MailFolders.remove([removed.account], keepMail: keepMail, rooms)
      let aliases = removed.aliases.map(\.key)
      let also = aliases.isEmpty ? "" : ", and \(aliases.joined(separator: ", ")), which led nowhere else"
      return CommandResult(
        ["address": .string(removed.account.key), "aliases": JSONValue(aliases), "mail_kept": .bool(keepMail)],
        text: "removed \(removed.account.key)\(also)", warnings: warnings)
    }
  }

  static func facts(_ account: Account) -> [(String, String)] {
    [
      ("account", account.key), ("state", account.suspended ? "suspended" : "active"),
      ("quota", "\(account.quotaText)\(account.quotaIsOwn ? " (its own)" : "")"), ("offer", account.offer.name ?? "-"),
      ("denied", Words.services(account.denied)), ("directory", account.directory),
      ("created", account.createdAt.rfc3339), ("password set", account.passwordChangedAt.rfc3339),
      ("comment", account.comment),
    ]
  }
}
