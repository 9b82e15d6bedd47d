/// Why a login is refused.
package enum LoginRefusal: Error, Equatable, Sendable {
  /// Unknown login or wrong password; nobody is told which.
  case badCredentials
  /// The account may not use this service, or is suspended; the text is for the user.
  case serviceDenied(text: String)
  /// Too many passwords are being checked; try again later.
  case busy
  /// Too many failed logins from this address; try again after the given time.
  case tooManyFailures(retryAfter: Duration)
  /// The account store cannot be asked at the moment.
  case temporaryFailure
}

/// Checks credentials for SASL; the accounts room gives one per service and client address.
package protocol CredentialVerifier: Sendable {
  /// What a successful login yields.
  associatedtype Identity: Sendable
  /// Checks a password (PLAIN, LOGIN).
  ///
  /// - Parameters:
  ///   - authorizationID: whom to act as; `nil` or the login's own account, all else is refused.
  /// - Throws: `LoginRefusal`.
  func verify(login: String, authorizationID: String?, password: [UInt8]) async throws -> Identity
  /// The SCRAM keys of a login; for unknown ones made up, but always the same, so that existence does not show.
  func scramKeys(login: String) async throws -> SCRAMKeys
  /// Turns a login whose proof was right into an identity, after the same checks as `verify`.
  func completeSCRAM(login: String, authorizationID: String?) async throws -> Identity
}

/// What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677).
package struct SCRAMKeys: Sendable, Equatable {
  /// The salt, at least 16 octets for new ones.
  package let salt: [UInt8]
  /// The PBKDF2 iteration count.
  package let iterations: Int
  /// H(HMAC(SaltedPassword, "Client Key")).
  package let storedKey: [UInt8]
  /// HMAC(SaltedPassword, "Server Key").
  package let serverKey: [UInt8]

  /// Takes stored keys.
  package init(salt: [UInt8], iterations: Int, storedKey: [UInt8], serverKey: [UInt8]) {
    self.salt = salt
    self.iterations = iterations
    self.storedKey = storedKey
    self.serverKey = serverKey
  }
}
