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
  ///   - plaintextLogin: whether passwords may travel in clear (`tls.plaintext-login`); without it nothing is offered in
  ///     clear, as SCRAM alone would leave the mail itself in clear.
  package init(tls: TLSInfo?, plaintextLogin: Bool) {
    if let tls {
      let binding: [SASLMechanism] = tls.serverEndPoint.isEmpty ? [] : [.scramSHA256Plus]
      offered = binding + [.scramSHA256, .plain, .login]
    } else {
      offered = plaintextLogin ? [.scramSHA256, .plain, .login] : []
    }
  }

  /// Their names, as capabilities list them.
  package var names: [String] { offered.map(\.rawValue) }

  /// The offered mechanism of that name, in any case.
  package func mechanism(named name: some StringProtocol) -> SASLMechanism? {
    let upper = name.uppercased()
    return offered.first { $0.rawValue == upper }
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
///
/// ```swift
/// var exchange = try SASLExchange(mechanism: .plain, verifier: verifier, tls: connection.tls)
/// var response = initialResponse            // nil: none, []: "="
/// while case .challenge(let octets) = try await exchange.step(response) { … }
/// ```
package struct SASLExchange<Verifier: CredentialVerifier> {
  private enum State {
    case plain
    case login(name: String?)
    case scram(SCRAMServer)
    case scramDone(login: String, authorizationID: String?)
    case finished
  }
  private let verifier: Verifier
  private var state: State
  private var hasPrompted = false

  /// Begins an exchange.
  ///
  /// - Parameters:
  ///   - tls: the connection's TLS facts, for channel binding.
  /// - Throws: `SASLError.notOffered` for SCRAM-SHA-256-PLUS without TLS.
  package init(mechanism: SASLMechanism, verifier: Verifier, tls: TLSInfo?) throws(SASLError) {
    try self.init(mechanism: mechanism, verifier: verifier, tls: tls, nonce: nil)
  }

  /// Begins an exchange with a given server nonce, as the RFC's examples need.
  init(mechanism: SASLMechanism, verifier: Verifier, tls: TLSInfo?, nonce: String?) throws(SASLError) {
    self.verifier = verifier
    switch mechanism {
    case .plain: state = .plain
    case .login: state = .login(name: nil)
    case .scramSHA256, .scramSHA256Plus:
      let binding = tls?.serverEndPoint ?? []
      let isBound = mechanism == .scramSHA256Plus
      if isBound, binding.isEmpty { throw .notOffered }
      // Without random numbers there is no SCRAM.
      guard let nonce = nonce ?? (try? SCRAMCrypto.makeNonce()) else { throw .notOffered }
      state = .scram(SCRAMServer(binding: binding, isBound: isBound, nonce: nonce))
    }
  }

  /// Takes the client's initial response (`nil`: none; `[]`: an empty one, `=`) or its answer to the last challenge.
  ///
  /// - Throws: `SASLError` or `LoginRefusal`; the exchange is over then.
  package mutating func step(_ response: [UInt8]?) async throws -> SASLStep<Verifier.Identity> {
    let current = state
    state = .finished
    switch current {
    case .plain:
      guard let response else {
        if hasPrompted { throw SASLError.badFormat }
        hasPrompted = true
        state = .plain
        return .challenge([])
      }
      let message = try PlainMessage(response)
      let identity = try await verifier.verify(
        login: message.login, authorizationID: message.authorizationID, password: message.password)
      return .success(identity, additionalData: nil)
    case .login(let name):
      return try await stepLogin(name, response)
    case .scram(var server):
      guard let response else {
        if hasPrompted { throw SASLError.badFormat }
        hasPrompted = true
        state = .scram(server)
        return .challenge([])
      }
      return try await stepSCRAM(&server, response)
    case .scramDone(let login, let authorizationID):
      guard response?.isEmpty ?? true else { throw SASLError.badFormat }
      let identity = try await verifier.completeSCRAM(login: login, authorizationID: authorizationID)
      return .success(identity, additionalData: nil)
    case .finished:
      throw SASLError.finished
    }
  }

  private mutating func stepLogin(_ name: String?, _ response: [UInt8]?) async throws -> SASLStep<Verifier.Identity> {
    if let name {
      let password = try SASLText.password(response ?? [])
      let identity = try await verifier.verify(login: name, authorizationID: nil, password: password)
      return .success(identity, additionalData: nil)
    }
    guard let response, hasPrompted || !response.isEmpty else {
      if hasPrompted { throw SASLError.badFormat }
      hasPrompted = true
      state = .login(name: nil)
      return .challenge(Array("Username:".utf8))
    }
    state = .login(name: try SASLText.name(response[...]))
    return .challenge(Array("Password:".utf8))
  }

  private mutating func stepSCRAM(
    _ server: inout SCRAMServer, _ response: [UInt8]
  ) async throws -> SASLStep<Verifier.Identity> {
    guard server.isStarted else {
      try server.readFirst(response)
      let challenge = try server.answerFirst(keys: try await verifier.scramKeys(login: server.login))
      state = .scram(server)
      return .challenge(challenge)
    }
    let signature = try server.checkFinal(response)
    state = .scramDone(login: server.login, authorizationID: server.authorizationID)
    return .challenge(signature)
  }
}
