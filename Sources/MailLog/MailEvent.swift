import Basics

/// One thing that happened to a message.
package struct MailEvent: Sendable, Equatable {
  /// What happened.
  package enum Kind: Int, Sendable, CaseIterable {
    /// It was taken and answered 250.
    case accepted = 1
    /// A copy for another server was put into the queue.
    case queued = 2
    /// A copy lies in a mailbox here.
    case delivered = 3
    /// Another server took it.
    case sent = 4
    /// An attempt failed; there will be another.
    case deferred = 5
    /// Given up, and told to the sender.
    case bounced = 6
    /// A catch-all deleted it.
    case discarded = 7
    /// An administrator took it out of the queue.
    case removed = 8

    /// The word for it.
    package var word: String { "\(self)" }
  }

  /// When; the log sets it when it is noted, unless it is set already.
  package var at = Timestamp(milliseconds: 0)
  /// What happened.
  package var kind: Kind
  /// The queue id.
  package var id: String
  /// Another queue id that carries the story on: a forward's, a bounce's.
  package var related: String?
  /// The Message-ID, without its brackets; with `accepted` only.
  package var messageID: String?
  /// The envelope sender; empty for `<>`.
  package var sender = ""
  /// The recipient; empty with `accepted`.
  package var recipient = ""
  /// The account that sends.
  package var account: String?
  /// How it got the right: `auth`, `open-smtp:LEASE`, `local:USER`.
  package var via: String?
  /// The client's address; with `accepted` only.
  package var peer: String?
  /// The session's name, so that connections can be counted.
  package var session: String?
  /// Octets.
  package var size = 0
  /// Recipients, with `accepted`.
  package var recipients = 0
  /// The server that was spoken to.
  package var remote: String?
  /// The RFC 3463 status.
  package var status: String?
  /// The server's words, or ours.
  package var text: String?
  /// Time since the message was accepted.
  package var delay: Duration?
  /// Whether a scanner called it spam.
  package var isSpam = false

  /// Makes an event.
  package init(_ kind: Kind, id: String) {
    self.kind = kind
    self.id = id
  }
}

/// Something that is only counted, by the hour.
package struct MailCount: Hashable, Sendable {
  /// What is counted.
  package enum Metric: String, Sendable, CaseIterable {
    /// A successful login; `name` is the account, `detail` the service.
    case login
    /// A wrong password; `name` is the login, `detail` the service.
    case failedLogin = "failed-login"
    /// A POP login within the login delay; `name` is the account.
    case throttled
    /// A lease opened or renewed; `name` is the account, `detail` the network.
    case lease
    /// A message, recipient or command refused; `name` is domain or account, `detail` the reason.
    case refused
    /// A connection to another server; `name` is the destination, `detail` `tls`, `clear` or the failure's cause.
    case outbound
    /// Connections open to other servers, summed once a minute: for averages.
    case outboundOpen = "outbound-open"
    /// A limit hit; `name` is network or account, `detail` the limit.
    case limit
    /// A public blacklist's answer; `name` is our address, `detail` the list and what it said.
    case listing
  }

  /// What is counted.
  package var metric: Metric
  /// Whose.
  package var name: String
  /// Of which kind.
  package var detail: String

  /// Makes a key.
  package init(_ metric: Metric, name: String, detail: String = "") {
    self.metric = metric
    self.name = name
    self.detail = detail
  }
}
