import MailSyntax
import Wire

extension SMTPServerSession {
  /// AUTH (RFC 4954).
  func auth(mechanism name: String, initial: [UInt8]?) async throws -> Next {
    guard role != .lmtp else { return try await refuse(Replies.notImplemented) }
    guard let hello, hello.isExtended else { return try await refuse(Replies.helloFirst) }
    guard sender == nil else { return try await refuse(SMTPReply(503, "5.5.1", "Error: already authenticated")) }
    guard transaction == nil else { return try await refuse(Replies.inTransaction) }
    let offered = offeredMechanisms
    guard let mechanism = offered.mechanism(named: name) else {
      if connection.canStartTLS, SASLMechanism(rawValue: name) != nil { return try await refuse(Replies.tlsFirst) }
      return try await refuse(SMTPReply(504, "5.5.4", "Unrecognized authentication type"))
    }
    var response: [UInt8]?
    if let initial {
      guard let decoded = Self.decode(initial) else { return try await refuse(Replies.authMalformed) }
      response = decoded
    }
    return try await exchange(mechanism, initial: response)
  }

  private enum LoginEnd: Error { case cancelled, malformed, gone }

  private func exchange(_ mechanism: SASLMechanism, initial: [UInt8]?) async throws -> Next {
    do {
      try await host.limiter.admit(connection.peer)
      let identity = try await converse(mechanism, initial: initial)
      sender = identity
      authFailed = false
      connection.tag(account: identity.id)
      connection.log[metadataKey: "account"] = "\(identity.login)"
      connection.log.info("logged in", metadata: ["mechanism": "\(mechanism.rawValue)"])
      return reply(Replies.authenticated)
    } catch LoginEnd.gone {
      return .stop
    } catch LoginEnd.cancelled {
      return try await refuse(Replies.authCancelled)
    } catch LoginEnd.malformed, ConnectionError.lineTooLong {
      return try await refuse(Replies.authMalformed)
    } catch let refusal as LoginRefusal {
      return try await refused(refusal, mechanism: mechanism)
    } catch let error as SASLError {
      return try await refused(error, mechanism: mechanism)
    }
  }

  /// Carries challenges and responses between the client and the mechanism.
  private func converse(_ mechanism: SASLMechanism, initial: [UInt8]?) async throws -> Sender {
    var exchange = try SASLExchange(
      mechanism: mechanism, verifier: host.rights.verifier(for: connection.peer), tls: connection.tls)
    var response = initial
    while true {
      switch try await exchange.step(response) {
      case .challenge(let octets):
        response = try await ask(octets)
      case .success(let identity, let data):
        // SMTP has no place for data beside the success: one more challenge, answered by an empty line (RFC 4954).
        if let data { _ = try await ask(data) }
        return identity
      }
    }
  }

  private func ask(_ challenge: [UInt8]) async throws -> [UInt8] {
    connection.write("334 \(Base64.encode(challenge))\r\n")
    guard let line = try await connection.readLine(limit: settings.authLine, timeout: settings.commandTimeout) else {
      throw LoginEnd.gone
    }
    if line == [0x2a] { throw LoginEnd.cancelled }
    guard let decoded = Base64.decode(line) else { throw LoginEnd.malformed }
    return decoded
  }

  /// An initial response: base64, or `=` for an empty one (RFC 4954 section 4).
  private static func decode(_ text: [UInt8]) -> [UInt8]? { text == [0x3d] ? [] : Base64.decode(text) }

  private func refused(_ refusal: LoginRefusal, mechanism: SASLMechanism) async throws -> Next {
    connection.log.notice("login refused", metadata: ["mechanism": "\(mechanism.rawValue)", "why": "\(refusal)"])
    switch refusal {
    case .badCredentials:
      await host.rights.loginFailed(connection.peer)
      await host.limiter.failed(connection.peer)
      return try await failed(Replies.badCredentials)
    case .serviceDenied(let text):
      return try await failed(SMTPReply(535, "5.7.13", text))
    case .busy, .temporaryFailure:
      return reply(Replies.authBusy)
    case .tooManyFailures:
      return stop(SMTPReply(421, "4.7.0", "Too many failed logins from your address, try again later"))
    }
  }

  private func refused(_ error: SASLError, mechanism: SASLMechanism) async throws -> Next {
    connection.log.notice("login refused", metadata: ["mechanism": "\(mechanism.rawValue)", "why": "\(error)"])
    switch error {
    case .notOffered: return try await refuse(SMTPReply(504, "5.5.4", "Unrecognized authentication type"))
    case .badFormat, .finished: return try await refuse(Replies.authMalformed)
    case .channelBinding: return try await failed(Replies.badCredentials)
    }
  }

  /// A login that was really tried and failed: no lease stands in for it from now on.
  private func failed(_ reply: SMTPReply) async throws -> Next {
    authFailed = true
    failedLogins += 1
    guard failedLogins < settings.failedLogins else {
      send(reply)
      return stop(SMTPReply(421, "4.7.0", "Error: too many failed logins"))
    }
    return try await refuse(reply)
  }
}
