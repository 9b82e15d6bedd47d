import Basics
import MailSyntax

/// One mailbox with a login, as the rooms above see it; every rule of offer, domain and account is applied already.
///
/// A class, as every session holds one all its life and passes it through many suspended calls, whose frames would each
/// hold a copy.
package final class Account: Sendable, Hashable {
  /// The row's number; never used again after the account is gone.
  package let id: Int64
  /// `user@domain`, folded; the domain is the real one, never an alias domain.
  package let address: EmailAddress
  /// The domain's row.
  package let domainID: Int64
  /// Where the mail lies, relative to the mail root: `example.test/alice`.
  package let directory: String
  /// What the mailbox may hold: the account's own value, else its offer's.
  package let quota: Quota
  /// Whether ``quota`` was set for this account rather than by its offer.
  package let quotaIsOwn: Bool
  /// What is switched off for it, by itself, its domain or its offer.
  package let denied: Set<MailService>
  /// What is switched off for this account alone.
  package let deniedByItself: Set<MailService>
  /// Whether it, or its whole domain, is locked.
  package let suspended: Bool
  /// Whether it is locked itself, whatever its domain is.
  package let suspendedByItself: Bool
  /// What its offer gives it.
  package let offer: OfferFeatures
  /// When the owner's secret last changed; upgrading an old hash does not move it.
  package let passwordChangedAt: Timestamp
  /// When the account was made.
  package let createdAt: Timestamp
  /// What the administrator noted.
  package let comment: String
  /// Whether SCRAM-SHA-256 can be used.
  package let hasSCRAMKeys: Bool
  /// Whether APOP can be used: a clear secret is stored.
  package let hasAPOPSecret: Bool

  /// `user@domain`, folded: the key under which stores look the account up.
  package var key: String { address.key }
  /// Whether this is the domain's postmaster, which can be neither deleted nor suspended.
  package var isPostmaster: Bool { address.localPart == postmasterName }

  /// Makes the value from what the store holds; nothing is checked.
  package init(
    id: Int64, address: EmailAddress, domainID: Int64, directory: String, quota: Quota, quotaIsOwn: Bool,
    denied: Set<MailService>, deniedByItself: Set<MailService>, suspended: Bool, suspendedByItself: Bool,
    offer: OfferFeatures, passwordChangedAt: Timestamp, createdAt: Timestamp, comment: String, hasSCRAMKeys: Bool,
    hasAPOPSecret: Bool
  ) {
    self.id = id
    self.address = address
    self.domainID = domainID
    self.directory = directory
    self.quota = quota
    self.quotaIsOwn = quotaIsOwn
    self.denied = denied
    self.deniedByItself = deniedByItself
    self.suspended = suspended
    self.suspendedByItself = suspendedByItself
    self.offer = offer
    self.passwordChangedAt = passwordChangedAt
    self.createdAt = createdAt
    self.comment = comment
    self.hasSCRAMKeys = hasSCRAMKeys
    self.hasAPOPSecret = hasAPOPSecret
  }

  /// Whether both say the same of the same account.
  package static func == (left: Account, right: Account) -> Bool {
    left === right
      || left.id == right.id && left.address == right.address && left.domainID == right.domainID
        && left.directory == right.directory && left.quota == right.quota && left.quotaIsOwn == right.quotaIsOwn
        && left.denied == right.denied && left.deniedByItself == right.deniedByItself
        && left.suspended == right.suspended && left.suspendedByItself == right.suspendedByItself
        && left.offer == right.offer && left.passwordChangedAt == right.passwordChangedAt
        && left.createdAt == right.createdAt && left.comment == right.comment
        && left.hasSCRAMKeys == right.hasSCRAMKeys && left.hasAPOPSecret == right.hasAPOPSecret
  }

  /// Hashes the number; equal accounts have equal numbers.
  package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// The local part every domain has (RFC 5321 section 4.5.1).
package let postmasterName = "postmaster"

/// How much a mailbox may hold; `nil` is no bound.
package struct Quota: Sendable, Hashable {
  /// Octets of all messages together.
  package var bytes: Int64?
  /// Number of messages.
  package var messages: Int?

  /// Makes a quota; without arguments one without bounds.
  package init(bytes: Int64? = nil, messages: Int? = nil) {
    self.bytes = bytes
    self.messages = messages
  }
}

/// The ways in that can be allowed or denied.
package enum MailService: String, Sendable, Hashable, CaseIterable, Comparable {
  /// Reading by POP3.
  case pop
  /// Reading by IMAP.
  case imap
  /// Sending after AUTH.
  case smtp
  /// Sending without AUTH from an address that read mail.
  case openSMTP = "open-smtp"

  /// The order in which lists print them.
  package static func < (left: MailService, right: MailService) -> Bool {
    (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
  }
}

/// What an account has of its offer.
package struct OfferFeatures: Sendable, Hashable {
  /// The offer's name; `nil` when neither account nor domain has one.
  package var name: String?
  /// What the offer switches off.
  package var denied: Set<MailService>
  /// The offer's interval between two POP logins; `nil` leaves it to the configuration.
  package var popLoginDelay: Duration?
  /// How many messages the offer lets the account send in any hour; `nil` for any number.
  package var messagesPerHour: Int?
  /// Whether sending after a POP or IMAP login belongs to the offer.
  package var openSMTP: Bool { !denied.contains(.openSMTP) }

  /// Makes the features; without arguments those of an account without an offer.
  package init(
    name: String? = nil, denied: Set<MailService> = [], popLoginDelay: Duration? = nil, messagesPerHour: Int? = nil
  ) {
    self.name = name
    self.denied = denied
    self.popLoginDelay = popLoginDelay
    self.messagesPerHour = messagesPerHour
  }
}

/// What becomes of a recipient.
package enum RecipientMatch: Sendable, Hashable {
  /// The domain is not ours.
  case notHosted
  /// A mailbox: the address itself, or an extension of it (`alice+lists`).
  case mailbox(Account)
  /// An alias, or the catch-all's address; the targets are to be matched in their turn, within the caller's bound.
  case forward([EmailAddress], alias: EmailAddress)
  /// The catch-all takes it and throws it away.
  case discard
  /// `550 5.1.1`: nobody here by that name.
  case noMailbox
  /// `550 5.2.1`: the account is locked; for an alias of a locked domain, that domain's postmaster.
  case suspended(Account)
}

/// Something open sessions may have to act upon.
package struct AccountChange: Sendable, Hashable {
  /// What happened.
  package enum What: String, Sendable {
    /// The owner's secret changed: sessions opened with the old one end.
    case password
    /// The account or its domain was locked or unlocked; look again.
    case suspended
    /// The account is gone.
    case deleted
    /// A service was allowed or denied; look again.
    case flags
    /// The quota changed.
    case quota
    /// An app password was withdrawn.
    case appPassword = "app-password"

    /// Whether a session may have lost the right it was opened with; a changed quota takes none away.
    package var endsSessions: Bool { self != .quota }
  }
  /// Whose.
  package let accountID: Int64
  /// What happened.
  package let what: What
}
