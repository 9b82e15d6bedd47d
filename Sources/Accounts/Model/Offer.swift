import Basics

/// A plan: what an account gets unless it is told otherwise, and how far it may be told otherwise (R52).
package struct Offer: Sendable, Hashable {
  /// Its name, unique.
  package var name: String
  /// What a mailbox may hold, in octets; within ``AccountSettings/offerQuota``.
  package var quota: Int64
  /// The most an account of this offer may be given of its own; not below ``quota``.
  package var largestQuota: Int64
  /// How many messages a mailbox may hold; `nil` for any number.
  package var messages: Int?
  /// What the offer switches off.
  package var denied: Set<MailService>
  /// The least time between two POP logins, up to 300 s; `nil` leaves it to the configuration.
  package var popLoginDelay: Duration?
  /// How many messages an account may send in any hour; `nil` for any number.
  package var messagesPerHour: Int?
  /// What the administrator noted.
  package var comment: String

  /// Makes an offer; its largest quota is its quota unless given.
  package init(
    name: String, quota: Int64, largestQuota: Int64? = nil, messages: Int? = nil, denied: Set<MailService> = [],
    popLoginDelay: Duration? = nil, messagesPerHour: Int? = nil, comment: String = ""
  ) {
    self.name = name
    self.quota = quota
    self.largestQuota = largestQuota ?? quota
    self.messages = messages
    self.denied = denied
    self.popLoginDelay = popLoginDelay
    self.messagesPerHour = messagesPerHour
    self.comment = comment
  }
}

/// An offer with what hangs on it.
package struct OfferInfo: Sendable, Hashable {
  /// The offer.
  package let offer: Offer
  /// Domains whose accounts have it by default.
  package let domainCount: Int
  /// Accounts that have it, by themselves or through their domain.
  package let accountCount: Int
}
