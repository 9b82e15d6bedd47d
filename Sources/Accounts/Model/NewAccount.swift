/// A password to be stored.
package enum NewPassword: Sendable {
  /// In clear: kept as a yescrypt hash and SCRAM-SHA-256 keys; the second form also keeps it readable, for APOP.
  case clear([UInt8], keepForAPOP: Bool = false)
  /// A crypt(3) or `{SCHEME}` string from elsewhere.
  case hash(String)
  /// None: nobody can log in until one is set.
  case none
}

/// What a quota is set to.
package enum QuotaChoice: Sendable, Hashable {
  /// What the offer gives.
  case offer
  /// No bound; only without an offer and without a quota of the domain.
  case unlimited
  /// These octets, within the offer's largest quota.
  case bytes(Int64)
}

/// An account to be made.
package struct NewAccount: Sendable {
  /// `user@domain`, or `user%domain`.
  package var login: String
  /// Its password.
  package var password: NewPassword
  /// Its quota.
  package var quota: QuotaChoice
  /// An offer of its own instead of its domain's.
  package var offer: String?
  /// What the administrator notes.
  package var comment: String

  /// Makes the description of an account; without a quota it has its offer's.
  package init(
    _ login: String, password: NewPassword, quota: QuotaChoice = .offer, offer: String? = nil, comment: String = ""
  ) {
    self.login = login
    self.password = password
    self.quota = quota
    self.offer = offer
    self.comment = comment
  }
}
