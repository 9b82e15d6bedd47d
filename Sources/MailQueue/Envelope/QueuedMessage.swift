import Basics

/// Which mail goes first.
package enum MailClass: Int, Sendable, CaseIterable {
  /// Mail of people and programs.
  case normal = 0
  /// List and bulk mail, scheduled behind `normal` (R27).
  case list = 1
}

/// What a message needs of the servers it passes.
package struct MessageTraits: OptionSet, Hashable, Sendable {
  /// The set's bits, as stored.
  package let rawValue: Int
  /// Makes a set from stored bits.
  package init(rawValue: Int) { self.rawValue = rawValue }

  /// Octets above 127 in the content (RFC 6152).
  package static let eightBit = MessageTraits(rawValue: 1)
  /// UTF-8 in the envelope or the header (RFC 6531).
  package static let utf8 = MessageTraits(rawValue: 2)
  /// REQUIRETLS was given (RFC 8689).
  package static let requireTLS = MessageTraits(rawValue: 4)
  /// CR or LF alone, or NUL, may occur: only BDAT carries it (RFC 3030).
  package static let binary = MessageTraits(rawValue: 8)
  /// The header says `TLS-Required: No`: what destinations publish about their TLS does not hold it up (RFC 8689).
  package static let waivesTLS = MessageTraits(rawValue: 16)
}

/// The state of one recipient of a queued message.
package enum RecipientState: Int, Sendable {
  /// Waits for its next attempt.
  case queued = 0
  /// An attempt is under way.
  case leased = 1
  /// An administrator holds it back.
  case held = 2
  /// Delivered; kept until the whole message is settled.
  case delivered = 3
  /// Given up and reported; kept until the whole message is settled.
  case failed = 4

  /// Whether nothing remains to be done.
  package var isSettled: Bool { self == .delivered || self == .failed }
}

/// One recipient as the queue keeps it.
package struct QueuedRecipient: Sendable {
  /// The row's number, never used again for another row.
  package var number: Int64
  /// The address, as given.
  package var address: String
  /// Where it goes: the domain in A-labels.
  package var destination: String
  /// What is being done about it.
  package var state: RecipientState
  /// The next attempt.
  package var next: Timestamp
  /// Attempts made so far.
  package var attempts: Int
  /// The last attempt.
  package var lastAttempt: Timestamp?
  /// What came of the last attempt, in the remote's words.
  package var reply: String
  /// The RFC 3463 status of the last attempt.
  package var status: String
  /// The host that was last spoken to, for Remote-MTA.
  package var remote: String
  /// NOTIFY of RFC 3461 as given: `NEVER` or a list of `SUCCESS,FAILURE,DELAY`.
  package var notify: String?
  /// ORCPT of RFC 3461: type, `;` and xtext.
  package var originalRecipient: String?
}

extension QueuedRecipient {
  /// Whether the sender wants to hear of a failure (RFC 3461 section 4.1; without NOTIFY it does).
  package var notifiesFailure: Bool { wants("FAILURE") ?? true }
  /// Whether the sender wants to hear of a delay; without NOTIFY it does.
  package var notifiesDelay: Bool { wants("DELAY") ?? true }
  /// Whether the sender wants to hear of success; without NOTIFY it does not.
  package var notifiesSuccess: Bool { wants("SUCCESS") ?? false }

  private func wants(_ keyword: String) -> Bool? {
    notify.map { $0.uppercased().split(separator: ",").contains { $0 == keyword } }
  }
}

/// One message as the queue keeps it.
package struct QueuedMessage: Sendable {
  /// The queue id, as in `250 2.0.0 Ok: queued as A6ADC402D4`.
  package var id: String
  /// The reverse path; empty for `<>`.
  package var sender: String
  /// Octets of the message.
  package var size: Int
  /// When it was accepted: the start of the retry curve.
  package var created: Timestamp
  /// When the last attempt is made.
  package var expires: Timestamp
  /// Its scheduling class.
  package var mailClass: MailClass
  /// Whether an administrator holds it back.
  package var isHeld: Bool
  /// The account it was sent by.
  package var account: String?
  /// How that account got the right: `auth`, `open-smtp:ID`, `local`.
  package var via: String?
  /// RET of RFC 3461: `FULL` or `HDRS`.
  package var dsnReturn: String?
  /// ENVID of RFC 3461, in xtext.
  package var envelopeID: String?
  /// What it needs of other servers.
  package var traits: MessageTraits
  /// When the sender was told of the delay.
  package var warned: Timestamp?
  /// The recipients that were asked for: all of them, or those of a claim.
  package var recipients: [QueuedRecipient]
}
