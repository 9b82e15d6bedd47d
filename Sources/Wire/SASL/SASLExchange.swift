/// A mechanism the server speaks.
package enum SASLMechanism: String, CaseIterable, Sendable {
  /// RFC 4616.
  case plain = "PLAIN"
  /// draft-murchison-sasl-login.
  case login = "LOGIN"
  /// RFC 7677.
  case scramSHA256 = "SCRAM-SHA-256"
  /// RFC 7677 with channel binding `tls-server-end-point`.
  case scramSHA256Plus = "SCRAM-SHA-256-PLUS"
}

/// Why an exchange cannot go on, apart from `LoginRefusal`.
package enum SASLError: Error, Equatable, Sendable {
  /// The mechanism is not offered on this connection.
  case notOffered
  /// The client's message breaks the mechanism's grammar or a bound.
  case badFormat
  /// The channel binding does not fit, or a downgrade was seen.
  case channelBinding
  /// `step` after the end.
  case finished
}

/// The mechanisms a connection offers.
package struct SASLMechanisms: Sendable, Equatable {
  /// In the order in which they are announced, strongest first.
  package let offered: [SASLMechanism]

  /// Decides by the connection's state.
  ///
  /// - Parameters:
  ///   - tls: the connection's TLS facts.
  ///   - plaintextLogin: whether passwords may travel in clear (`tls.plaintext-login`).
  package init(tls: TLSInfo?, plaintextLogin: Bool) { offered = [] }

  /// Their names, as capabilities list them.
  package var names: [String] { offered.map(\.rawValue) }

  /// The offered mechanism of that name, in any case.
  package func mechanism(named name: some StringProtocol) -> SASLMechanism? {
    offered.first { $0.rawValue == name.uppercased() }
  }
}

/// What comes next in an exchange.
package enum SASLStep<Identity: Sendable>: Sendable {
  /// Send these octets (base64, by the protocol) and wait for the client's answer.
  case challenge([UInt8])
  /// Logged in; the protocols here have no place for additional data, so SCRAM sends it as a last challenge.
  case success(Identity, additionalData: [UInt8]?)
}

/// The server's side of one SASL exchange; base64 and the cancelling `*` are the protocol's.
package struct SASLExchange<Verifier: CredentialVerifier> {
  /// Begins an exchange.
  ///
  /// - Parameters:
  ///   - tls: the connection's TLS facts, for channel binding.
  package init(mechanism: SASLMechanism, verifier: Verifier, tls: TLSInfo?) throws(SASLError) {}

  /// Takes the client's initial response (`nil`: none; `[]`: an empty one, `=`) or its answer to the last challenge.
  ///
  /// - Throws: `SASLError` or `LoginRefusal`; the exchange is over then.
  package mutating func step(_ response: [UInt8]?) async throws -> SASLStep<Verifier.Identity> {
    throw SASLError.finished
  }
}
