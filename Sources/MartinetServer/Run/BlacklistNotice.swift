import Accounts
import Basics
import Delivery
import MailSyntax
import RelayAccess

/// The letter that tells an account that its network may not send any more (the SMTP side is mute).
struct BlacklistNotice: Sendable {
  let hostname: String
  let entry: BlacklistEntry
  /// Where the reader may lift it himself.
  let page: String?
  let now: Timestamp

  /// The letter, ready to be delivered to the account's mailbox.
  func message(id: String, to account: Account) -> AcceptedMessage {
    var builder = MessageBuilder()
    builder.text("From", "Mail host <MAILER-DAEMON@\(hostname)>")
    builder.addresses("To", [NamedAddress(account.address, name: nil)])
    builder.text("Subject", "Your address \(entry.net) may not send mail for now")
    builder.date(now)
    builder.messageID("\(id).blacklist@\(hostname)")
    builder.structured("Auto-Submitted", "auto-generated")
    builder.structured("Precedence", "junk")
    return AcceptedMessage(
      id: id, sender: nil, recipients: [AcceptedRecipient(account.address, notify: "NEVER")],
      content: .bytes(builder.build(.text(text(account)))), via: "local")
  }

  private func text(_ account: Account) -> String {
    let help =
      page.map { "Then you may lift this yourself, once a day, with your mailbox's password:\n\($0)\n\n" } ?? ""
    let end = entry.expires.map { "until \($0.rfc3339)" } ?? "until an administrator lifts it"
    return """
      Hello \(account.address),

      Mail can no longer be sent through \(hostname) from the network
      \(entry.net): \(entry.reason).
      This holds \(end). Connections to our SMTP ports from there get
      no answer in that time; reading mail by POP and IMAP works as always.

      If a program or a visitor on your network sent more than you meant to,
      stop it first: each further overrun blocks the network for longer.

      \(help)If this is a mistake, write to postmaster or call your provider, and
      name the network and this time: \(entry.created.rfc3339).

      """
  }
}

extension RunningHost {
  /// Tells the accounts that lose SMTP by a blacklisting; POP and IMAP still reach them.
  func notify(of net: IPNetwork, at now: Timestamp) async {
    do {
      guard let entry = try await rooms.relay.blacklistEntry(of: net) else { return }
      let page = rooms.configuration.page("/help/unblock", secure: true)
      for account in try await rooms.relay.affectedAccounts(by: entry) {
        let notice = BlacklistNotice(
          hostname: rooms.configuration.hostname, entry: entry, page: entry.expires == nil ? nil : page, now: now)
        _ = try await delivery.accept(notice.message(id: delivery.newID(), to: account))
      }
    } catch {
      log.warning("nobody was told of a blacklisting", metadata: ["net": "\(net)", "error": "\(error)"])
    }
  }
}
