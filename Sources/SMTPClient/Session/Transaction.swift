import Basics
import NIOCore

/// One MAIL, its RCPTs and the data (RFC 5321 section 3.3; RFC 2033 for LMTP).
struct Transaction {
  let session: SMTPSession
  let message: OutgoingMessage

  private var dialogue: Dialogue { session.dialogue }
  private var settings: SMTPClientSettings { dialogue.settings }
  private var extensions: RemoteExtensions { session.extensions }

  /// The size on the wire but for doubled dots.
  private var size: Int { message.prefix.count + message.content.size }

  func run() async -> [RecipientOutcome] {
    guard session.isReusable else { return all(.failure(dialogue.failure(.closed(""), stage: .mail, command: ""))) }
    do throws(SMTPFailure) {
      try checkRequirements()
      let reader = try await openContent()
      return try await converse(reader)
    } catch {
      let isOrderly = error.cause == .refused || error.cause == .unsupported || error.cause == .local
      if !isOrderly || error.reply?.code == 421 { session.close() }
      return all(.failure(error))
    }
  }

  // MARK: Before MAIL

  private func checkRequirements() throws(SMTPFailure) {
    if message.needsUTF8, !extensions.smtpUTF8 {
      throw dialogue.unsupported("SMTPUTF8 is needed and not offered", stage: .mail, status: "5.6.7")
    }
    if message.isBinary, !(extensions.binaryMIME && extensions.chunking) {
      throw dialogue.unsupported("BINARYMIME is needed and not offered", stage: .mail, status: "5.6.1")
    }
    if message.requiresTLS, !extensions.requireTLS || session.tls == nil {
      throw dialogue.unsupported("REQUIRETLS is needed and not offered", stage: .mail, status: "5.7.30")
    }
    if let limit = extensions.size, limit > 0, size > limit {
      throw dialogue.unsupported(
        "message size \(size) exceeds size limit \(limit) of the server", stage: .mail, status: "5.3.4")
    }
    for path in [message.sender] + message.recipients.map(\.address) where !Self.isSendable(path) {
      throw dialogue.unsupported("an address that cannot be sent: control characters", stage: .mail, status: "5.1.3")
    }
  }

  /// Nothing that would end the command line or the brackets may come from an address.
  private static func isSendable(_ path: String) -> Bool {
    path.utf8.count <= 1024 && path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
  }

  private func openContent() async throws(SMTPFailure) -> ContentReader {
    do {
      return try await ContentReader(message.content, blockSize: settings.blockSize, files: session.files)
    } catch {
      throw local(error)
    }
  }

  private func local(_ error: any Error) -> SMTPFailure {
    SMTPFailure(
      cause: .local, stage: .content, host: dialogue.endpoint.host, address: dialogue.endpoint.address,
      detail: (error as? ContentReader.ReadError)?.text ?? String(describing: error), status: "4.3.0")
  }

  // MARK: Envelope

  private func converse(_ reader: ContentReader) async throws(SMTPFailure) -> [RecipientOutcome] {
    let mail = EnvelopeText.mail(message, size: size, extensions: extensions)
    let recipients = message.recipients.map { EnvelopeText.recipient($0, extensions: extensions) }
    var outcomes: [RecipientOutcome]
    let dataReply: RemoteReply?
    if extensions.pipelining {
      let last = message.isBinary ? [""] : ["DATA", ""]
      dialogue.stream.post(ByteBuffer(string: ([mail] + recipients + last).joined(separator: "\r\n")))
      let mailReply = try await dialogue.reply(to: mail, stage: .mail, within: settings.mailTimeout)
      if mailReply.code == 421 { throw dialogue.refusal(mailReply, stage: .mail, command: mail) }
      outcomes = try await offer(recipients, isSent: true)
      guard session.isReusable else { return unserved(outcomes) }
      dataReply =
        message.isBinary ? nil : try await dialogue.reply(to: "DATA", stage: .data, within: settings.dataTimeout)
      if !mailReply.isPositive {
        if dataReply?.code == 354 {
          // Who took recipients without a sender might deliver the empty message that ends such a DATA.
          let hasRecipients = outcomes.contains { $0.isDelivered }
          if hasRecipients { session.close() } else { try await abandon() }
        }
        throw dialogue.refusal(mailReply, stage: .mail, command: mail)
      }
    } else {
      let mailReply = try await dialogue.command(mail, stage: .mail, within: settings.mailTimeout)
      guard mailReply.isPositive else {
        // Some servers keep a half-begun transaction after a refused MAIL.
        if mailReply.code != 421 { try? await session.reset() }
        throw dialogue.refusal(mailReply, stage: .mail, command: mail)
      }
      outcomes = try await offer(recipients, isSent: false)
      guard session.isReusable else { return unserved(outcomes) }
      dataReply =
        outcomes.contains { $0.isDelivered } && !message.isBinary
        ? try await dialogue.command("DATA", stage: .data, within: settings.dataTimeout) : nil
    }
    if message.isBinary {
      await finishBinary(&outcomes, reader: reader)
    } else {
      try await finish(&outcomes, dataReply: dataReply, reader: reader)
    }
    return outcomes
  }

  /// Reads a reply for each recipient.
  ///
  /// A 421 ends it: the session is closed, and nobody has been served.
  private func offer(_ commands: [String], isSent: Bool) async throws(SMTPFailure) -> [RecipientOutcome] {
    var outcomes: [RecipientOutcome] = []
    for (recipient, command) in zip(message.recipients, commands) {
      let reply =
        isSent
        ? try await dialogue.reply(to: command, stage: .recipient, within: settings.recipientTimeout)
        : try await dialogue.command(command, stage: .recipient, within: settings.recipientTimeout)
      if reply.isPositive {
        outcomes.append(RecipientOutcome(address: recipient.address, result: .success(reply)))
        continue
      }
      let refusal = dialogue.refusal(reply, stage: .recipient, command: command)
      if refusal.cause == .protocolError { throw refusal }
      if reply.code == 421 {
        session.close()
        return message.recipients.enumerated().map { index, recipient in
          let isRefused = index < outcomes.count && !outcomes[index].isDelivered
          return isRefused ? outcomes[index] : RecipientOutcome(address: recipient.address, result: .failure(refusal))
        }
      }
      outcomes.append(RecipientOutcome(address: recipient.address, result: .failure(refusal)))
    }
    return outcomes
  }

  /// The outcomes when the connection ended before the data: a 250 to RCPT promises nothing yet.
  private func unserved(_ outcomes: [RecipientOutcome]) -> [RecipientOutcome] {
    let end = dialogue.failure(.closed(""), stage: .data, command: "DATA")
    return outcomes.map { outcome in
      outcome.isDelivered ? RecipientOutcome(address: outcome.address, result: .failure(end)) : outcome
    }
  }

  // MARK: Data

  /// Sends the content for the recipients accepted so far and writes its outcome into theirs.
  private func finish(
    _ outcomes: inout [RecipientOutcome], dataReply: RemoteReply?, reader: ContentReader
  ) async throws(SMTPFailure) {
    let accepted = outcomes.indices.filter { outcomes[$0].isDelivered }
    guard let dataReply else {
      // Everyone was refused and DATA never sent: the transaction must still be ended.
      try? await session.reset()
      return
    }
    guard !accepted.isEmpty else {
      // RFC 2920 section 3.1: a 354 in spite of no recipient is answered with an empty message.
      if dataReply.code == 354 { try await abandon() }
      return
    }
    let results: [Result<RemoteReply, SMTPFailure>]
    if dataReply.code == 354 {
      results = await transmit(reader, count: accepted.count)
    } else {
      let refusal = dialogue.refusal(dataReply, stage: .data, command: "DATA")
      if refusal.cause == .protocolError || dataReply.code == 421 { session.close() }
      if session.isReusable { try? await session.reset() }
      results = accepted.map { _ in .failure(refusal) }
    }
    for (index, result) in zip(accepted, results) { outcomes[index].result = result }
  }

  /// Sends the content in one BDAT for the recipients accepted so far (RFC 3030 section 2).
  ///
  /// Its size is named, so that its octets go as they are.
  private func finishBinary(_ outcomes: inout [RecipientOutcome], reader: ContentReader) async {
    let accepted = outcomes.indices.filter { outcomes[$0].isDelivered }
    guard !accepted.isEmpty else {
      try? await session.reset()
      return
    }
    dialogue.stream.post(ByteBuffer(string: "BDAT \(size) LAST\r\n"))
    let results = await transmit(reader, count: accepted.count)
    for (index, result) in zip(accepted, results) { outcomes[index].result = result }
    if results.contains(where: { (try? $0.get()) == nil }), session.isReusable { try? await session.reset() }
  }

  private func abandon() async throws(SMTPFailure) {
    dialogue.stream.post(ByteBuffer(string: ".\r\n"))
    _ = try await dialogue.reply(to: "DATA", stage: .content, within: settings.finalDotTimeout)
  }

  /// The command that the content belongs to, for failures.
  private var command: String { message.isBinary ? "BDAT \(size) LAST" : "DATA" }

  /// Sends the octets and reads the reply, or in LMTP one reply for each of `count` recipients.
  private func transmit(_ reader: ContentReader, count: Int) async -> [Result<RemoteReply, SMTPFailure>] {
    var isEndSent = false
    var results: [Result<RemoteReply, SMTPFailure>] = []
    do {
      try await sendContent(reader, isEndSent: &isEndSent)
      let replies = dialogue.endpoint.isLMTP ? count : 1
      for _ in 0..<replies {
        let reply = try await dialogue.reply(to: command, stage: .content, within: settings.finalDotTimeout)
        if reply.code == 421 { session.close() }
        let refusal = dialogue.refusal(reply, stage: .content, command: command)
        if refusal.cause == .protocolError, !reply.isPositive { session.close() }
        results.append(reply.isPositive ? .success(reply) : .failure(refusal))
      }
    } catch {
      session.close()
      var failure = error
      failure.possibleDuplicate = isEndSent && failure.cause != .local
      while results.count < count { results.append(.failure(failure)) }
    }
    while results.count < count, let last = results.last { results.append(last) }
    return results
  }

  private func sendContent(_ reader: ContentReader, isEndSent: inout Bool) async throws(SMTPFailure) {
    var stuffer = DotStuffer()
    let isBinary = message.isBinary
    var buffer = ByteBufferAllocator().buffer(capacity: min(size, settings.blockSize) + 1024)
    func add(_ octets: [UInt8]) {
      if isBinary {
        buffer.writeBytes(octets)
      } else {
        octets.withUnsafeBytes { stuffer.encode($0, into: &buffer) }
      }
    }
    add(message.prefix)
    var offset = 0
    while true {
      let block: [UInt8]
      do { block = try await reader.block(at: offset) } catch { throw local(error) }
      guard !block.isEmpty else { break }
      offset += block.count
      add(block)
      if buffer.readableBytes >= settings.blockSize {
        try await write(buffer)
        buffer.clear()
      }
    }
    if !isBinary { stuffer.finish(into: &buffer) }
    isEndSent = true
    try await write(buffer)
  }

  private func write(_ buffer: ByteBuffer) async throws(SMTPFailure) {
    do {
      try await dialogue.stream.write(buffer, within: settings.blockTimeout)
    } catch {
      // The peer may have said why before it hung up: "552 too big" is worth more than "broken pipe".
      if let reply = try? await dialogue.stream.reply(within: .milliseconds(1)), !reply.isPositive {
        throw dialogue.refusal(reply, stage: .content, command: command)
      }
      throw dialogue.failure(error, stage: .content, command: command)
    }
  }

  private func all(_ result: Result<RemoteReply, SMTPFailure>) -> [RecipientOutcome] {
    message.recipients.map { RecipientOutcome(address: $0.address, result: result) }
  }
}
