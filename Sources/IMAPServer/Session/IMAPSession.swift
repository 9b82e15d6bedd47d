import Accounts
import Basics
import Logging
import MailStore
import MailSyntax
import Wire

/// One client's conversation, from greeting to BYE; lives in the task that serves its connection.
final class IMAPSession {
  /// Who is logged in.
  struct User {
    var account: Account
    var mail: MailAccount
    /// When the account was last read, by `TimeSource.uptime`.
    var readAt: Duration
    /// When the OPEN-SMTP lease is to be touched next.
    var leaseDue: Duration
  }

  /// The selected mailbox (RFC 3501 section 3.3).
  struct Selected {
    let mailbox: Mailbox
    let name: MailboxName
    let isReadOnly: Bool
    var view: MailboxView
    /// UIDs that are `\Recent` in this session; ascending and not overlapping.
    var recent: [Range<UInt32>]
    /// The saved result of SEARCH RETURN (SAVE) (RFC 5182), as UIDs.
    var savedResult: [UInt32] = []
    /// Searches kept up to date (RFC 5267).
    var contexts: [SearchContext] = []
    /// What this user may do with it (RFC 4314).
    var rights = Rights.all
    var isOwn = true
  }

  /// What ENABLE (RFC 5161) and CONDSTORE-enabling commands have switched on.
  struct Enabled {
    var condStore = false
    var quickResync = false
    var rev2 = false
    /// UTF8=ACCEPT (RFC 6855).
    var utf8 = false
    /// UIDONLY (RFC 9586).
    var uidOnly = false
  }

  let connection: Connection
  let service: IMAPService
  var out = ResponseWriter()
  var user: User?
  var selected: Selected?
  var enabled = Enabled()
  var badCommands = 0
  var failedLogins = 0
  var isEnding = false
  /// Woken by the selected mailbox during IDLE and by changes of the account.
  let wakeup = Wakeup()
  let ending = EndSignal()
  var accountWatch: AccountWatch?
  /// Set while the client idles.
  var idling: Idling?
  /// What NOTIFY asked for; `nil` without it.
  var watch: NotifyWatch?

  var settings: IMAPSettings { service.settings }
  var limits: IMAPLimits { service.settings.limits }

  init(connection: Connection, service: IMAPService) {
    self.connection = connection
    self.service = service
  }

  /// Talks until one side has enough.
  func run() async throws {
    greet()
    do {
      while !isEnding {
        if let idling {
          try await stayIdle(idling)
        } else {
          guard let incoming = try await nextCommand() else { break }
          try await connection.apart { try await self.handle(incoming) }
        }
        send()
        // What the largest reply needed is not kept while the client thinks.
        out.letGo()
        try await connection.flushIfLarge()
      }
    } catch let error as ConnectionError {
      guard sayGoodbye(error) else { throw error }
    }
    send()
    try await connection.flush()
  }

  /// Hands what is written so far to the connection.
  func send() {
    guard !out.bytes.isEmpty else { return }
    connection.write(out.bytes)
    out.bytes.removeAll(keepingCapacity: out.bytes.capacity <= 4 * limits.replyChunk)
  }

  /// Sends when much has been collected, and waits while the client does not read.
  func sendIfLarge() async throws {
    guard out.bytes.count + connection.collectedOutput >= limits.replyChunk else { return }
    send()
    try await connection.flushIfLarge()
  }

  @inline(never)
  private func greet() {
    out.text("* OK [CAPABILITY ")
    out.raw(capabilities().joined(separator: " "))
    out.text("] ")
    out.humanText("\(settings.hostname) Martinet IMAP ready")
    out.endLine()
    send()
  }

  /// The last words for an end that a client may hear about.
  ///
  /// Not inlined, as `run` keeps its frame all the session long.
  @inline(never)
  private func sayGoodbye(_ error: ConnectionError) -> Bool {
    switch error {
    case .shuttingDown: bye(.unavailable, "Server is shutting down")
    case .ended(let reason): bye(nil, reason)
    case .timeout: bye(nil, user == nil ? "Too slow" : "Autologout; idle for too long")
    case .deadlinePassed: bye(nil, "Too long without login")
    case .tooMuchInput, .lineTooLong: bye(.tooBig, "Too much input")
    case .damagedStream: bye(.clientBug, "The compressed stream is damaged")
    case .closed, .tls: return false
    }
    return true
  }

  /// `* BYE`, after which nothing is read any more.
  @inline(never)
  func bye(_ code: ResponseCode?, _ text: String) {
    out.text("* BYE ")
    status(code, text)
    isEnding = true
  }

  /// `* OK`, `* NO` and their kin; `[code] text` and the line end.
  @inline(never)
  func untagged(_ kind: StaticString, _ code: ResponseCode?, _ text: String) {
    out.text("* ")
    out.text(kind)
    out.space()
    status(code, text)
  }

  /// The end of a command.
  @inline(never)
  func tagged(_ tag: [UInt8], _ kind: StaticString, _ code: ResponseCode?, _ text: String) {
    out.raw(tag)
    out.space()
    out.text(kind)
    out.space()
    status(code, text)
  }

  @inline(never)
  private func status(_ code: ResponseCode?, _ text: String) {
    if let code {
      out.octet(UInt8(ascii: "["))
      out.raw(code.description)
      out.text("] ")
    }
    out.humanText(text)
    out.endLine()
  }
}
