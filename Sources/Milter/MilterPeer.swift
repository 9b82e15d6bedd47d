import Basics
import Logging
import MailSyntax
import NIOCore
import NIOPosix

/// One filter during one client's session.
///
/// Used from the session's task only.
final class MilterPeer {
  private enum State {
    case new
    case open(MilterLink, MilterSteps, MilterActions)
    /// Asked no more: it accepted the connection, or failed under the policy `accept`.
    case done
    case failed
  }

  let settings: MilterSettings
  private let group: any EventLoopGroup
  private let files: NIOThreadPool
  private let log: Logger
  private var state = State.new
  /// Whether it accepted the message before its end.
  private var isMessageAccepted = false
  private var isInMessage = false

  init(settings: MilterSettings, group: any EventLoopGroup, files: NIOThreadPool, log: Logger) {
    self.settings = settings
    self.group = group
    self.files = files
    self.log = log
  }

  // MARK: Events

  /// Connects, and tells of the client.
  func connect(_ client: MilterClient) async -> MilterVerdict {
    do throws(MilterFailure) {
      let link = try await MilterLink.open(settings, group: group)
      let (steps, actions) = try await negotiate(link)
      state = .open(link, steps, actions)
    } catch {
      return fail(error)
    }
    let family = UInt8(ascii: client.peer.bitWidth == 32 ? "4" : "6")
    let port = UInt16(clamping: client.port)
    var data = MilterPacket.strings([Array("[\(client.peer)]".utf8)]) + [family, UInt8(port >> 8), UInt8(port & 0xff)]
    data += MilterPacket.strings([Array("\(client.peer)".utf8)])
    let macros = [
      ("j", client.hostname), ("{daemon_name}", client.listener), ("v", "Martinet"),
      ("_", "[\(client.peer)] [\(client.peer)]"), ("{client_addr}", "\(client.peer)"),
      ("{client_port}", "\(client.port)"), ("{client_name}", "[\(client.peer)]"),
    ]
    return await ask(.connect, data, macros)
  }

  /// Tells of an event that stands by itself.
  func ask(_ event: MilterEvent, _ texts: [String], _ macros: [(String, String)] = []) async -> MilterVerdict {
    if event == .mail {
      isMessageAccepted = false
      isInMessage = true
    }
    return await ask(event, MilterPacket.strings(texts.map { Array($0.utf8) }), macros)
  }

  private func ask(_ event: MilterEvent, _ data: [UInt8], _ macros: [(String, String)]) async -> MilterVerdict {
    switch state {
    case .new, .done: return .proceed
    case .failed: return event == .connect || event == .helo ? .proceed : failureVerdict
    case .open(let link, let steps, _):
      guard !isMessageAccepted || event == .connect || event == .helo, !steps.contains(event.unwanted) else {
        return .proceed
      }
      do throws(MilterFailure) {
        let answer = try await exchange(link, steps, event, data, macros)
        return verdict(answer, event)
      } catch {
        return fail(error)
      }
    }
  }

  /// Tells of the whole message, and applies what the filter wants.
  func filter(_ result: inout MilterResult, _ macros: [(String, String)]) async -> MilterVerdict {
    defer { isInMessage = false }
    switch state {
    case .new, .done: return .proceed
    case .failed: return failureVerdict
    case .open(let link, let steps, let actions):
      guard !isMessageAccepted else {
        // Accepted at an earlier stage: the filter does not expect the end any more.
        await abort()
        return .proceed
      }
      do throws(MilterFailure) {
        var changed = result
        let answer = try await transmit(&changed, link, steps, actions, macros)
        if answer == .proceed || answer == .accept { result = changed }
        return verdict(answer, .body)
      } catch {
        return fail(error)
      }
    }
  }

  /// Ends the message, if one has begun.
  func abort() async {
    guard isInMessage, case .open(let link, _, _) = state else { return }
    isInMessage = false
    isMessageAccepted = false
    do throws(MilterFailure) {
      try await link.send([MilterPacket(UInt8(ascii: "A"))], within: settings.commandTimeout)
    } catch {
      _ = fail(error)
    }
  }

  /// Ends the connection.
  func close() async {
    guard case .open(let link, _, _) = state else { return }
    state = .done
    try? await link.send([MilterPacket(UInt8(ascii: "Q"))], within: .seconds(1))
    link.close()
  }

  // MARK: Dialogue

  private func negotiate(_ link: MilterLink) async throws(MilterFailure) -> (MilterSteps, MilterActions) {
    let offer =
      MilterPacket.octets(6) + MilterPacket.octets(MilterActions.offered.rawValue)
      + MilterPacket.octets(MilterSteps.offered.rawValue)
    try await link.send([MilterPacket(UInt8(ascii: "O"), offer)], within: settings.connectTimeout)
    let answer = try await link.receive(within: settings.connectTimeout)
    guard answer.command == UInt8(ascii: "O"), let version = MilterPacket.number(answer.data, at: 0),
      let actions = MilterPacket.number(answer.data, at: 4), let steps = MilterPacket.number(answer.data, at: 8)
    else { throw MilterFailure(text: "no answer to the offer of options") }
    guard (2...6).contains(version), actions & ~MilterActions.offered.rawValue == 0,
      steps & ~MilterSteps.offered.rawValue == 0
    else { throw MilterFailure(text: "it wants what was not offered: version \(version), \(actions), \(steps)") }
    return (MilterSteps(rawValue: steps), MilterActions(rawValue: actions))
  }

  /// Sends macros and event; the answer, unless the filter gives none to this event.
  private func exchange(
    _ link: MilterLink, _ steps: MilterSteps, _ event: MilterEvent, _ data: [UInt8], _ macros: [(String, String)] = []
  ) async throws(MilterFailure) -> MilterAnswer {
    var packets: [MilterPacket] = []
    if !macros.isEmpty { packets.append(Self.macros(for: event.command, macros)) }
    packets.append(MilterPacket(event.command, data))
    try await link.send(packets, within: settings.commandTimeout)
    guard !steps.contains(event.silent) else { return .proceed }
    return try await answer(link, within: settings.commandTimeout)
  }

  private static func macros(for command: UInt8, _ macros: [(String, String)]) -> MilterPacket {
    MilterPacket(
      UInt8(ascii: "D"), [command] + MilterPacket.strings(macros.flatMap { [Array($0.0.utf8), Array($0.1.utf8)] }))
  }

  private func answer(_ link: MilterLink, within time: Duration) async throws(MilterFailure) -> MilterAnswer {
    while true {
      let packet = try await link.receive(within: time)
      guard let answer = MilterAnswer(packet) else {
        throw MilterFailure(text: "an answer that is none: '\(UnicodeScalar(packet.command))'")
      }
      if answer != .progress { return answer }
    }
  }

  private func transmit(
    _ result: inout MilterResult, _ link: MilterLink, _ steps: MilterSteps, _ actions: MilterActions,
    _ macros: [(String, String)]
  ) async throws(MilterFailure) -> MilterAnswer {
    if !steps.contains(.noData) {
      let answer = try await exchange(link, steps, .data, [], macros)
      if answer != .proceed { return answer }
    }
    if !steps.contains(.noHeaders) {
      for field in result.message.fields where !field.name.isEmpty {
        let value = Self.shown(field.value, keepsSpace: steps.contains(.leadingSpace))
        let answer = try await exchange(link, steps, .header, MilterPacket.strings([field.name, value]))
        if answer != .proceed { return answer }
      }
    }
    if !steps.contains(.noEndOfHeaders) {
      let answer = try await exchange(link, steps, .endOfHeaders, [])
      if answer != .proceed { return answer }
    }
    if !steps.contains(.noBody), let answer = try await sendBody(result.message, link, steps) { return answer }
    var packets = [MilterPacket(UInt8(ascii: "E"))]
    if !macros.isEmpty { packets.insert(Self.macros(for: UInt8(ascii: "E"), macros), at: 0) }
    try await link.send(packets, within: settings.commandTimeout)
    return try await takeChanges(&result, link, steps, actions)
  }

  /// Folds as filters know them (LF), and without the first blank unless it was agreed to keep it.
  private static func shown(_ value: [UInt8], keepsSpace: Bool) -> [UInt8] {
    let lines = value.filter { $0 != 0x0d }
    return keepsSpace ? lines : Array(lines.drop { $0 == 0x20 || $0 == 0x09 })
  }

  /// Sends the body block by block; an answer other than "go on" ends the message.
  private func sendBody(
    _ message: FilteredMessage, _ link: MilterLink, _ steps: MilterSteps
  ) async throws(MilterFailure) -> MilterAnswer? {
    var offset = 0
    while true {
      let start = offset
      let block: [UInt8]?
      do {
        block = try await files.runIfActive { message.body(at: start, limit: 65_535) }
      } catch {
        throw MilterFailure(text: "\(error)")
      }
      guard let block else { throw MilterFailure(text: "the message cannot be read") }
      guard !block.isEmpty else { return nil }
      offset += block.count
      switch try await exchange(link, steps, .body, block) {
      case .proceed: continue
      case .skip: return nil
      case let answer: return answer
      }
    }
  }

  /// Reads changes up to the last word.
  private func takeChanges(
    _ result: inout MilterResult, _ link: MilterLink, _ steps: MilterSteps, _ actions: MilterActions
  ) async throws(MilterFailure) -> MilterAnswer {
    var body: [UInt8]?
    var changes = 0
    while true {
      let answer = try await answer(link, within: settings.messageTimeout)
      changes += 1
      guard changes <= settings.changeLimit else { throw MilterFailure(text: "more than \(changes) changes") }
      switch answer {
      case .addHeader, .insertHeader, .changeHeader:
        guard !actions.isDisjoint(with: [.addHeaders, .changeHeaders]) else { throw Self.notAgreed }
        result.message.change(answer, keepsSpace: steps.contains(.leadingSpace))
      case .addRecipient(let path):
        guard !actions.isDisjoint(with: [.addRecipients, .addRecipientsWithParameters]) else { throw Self.notAgreed }
        result.added.append(path)
      case .deleteRecipient(let path):
        guard actions.contains(.deleteRecipients) else { throw Self.notAgreed }
        result.removed.append(path)
      case .changeSender(let path):
        guard actions.contains(.changeSender) else { throw Self.notAgreed }
        result.sender = path
      case .replaceBody(let block):
        guard actions.contains(.changeBody) else { throw Self.notAgreed }
        body = (body ?? []) + block
        guard body?.count ?? 0 <= settings.bodyLimit else { throw MilterFailure(text: "its body is too large") }
      case .quarantine(let reason):
        guard actions.contains(.quarantine) else { throw Self.notAgreed }
        result.quarantine = reason.isEmpty ? settings.name : "\(settings.name): \(reason)"
      case .skip, .progress: continue
      case .proceed, .accept, .discard, .reject, .tempfail, .shutdown, .reply:
        if let body { result.message.replaceBody(WireForm.convert(body)) }
        return answer
      }
    }
  }

  private static let notAgreed = MilterFailure(text: "a change that was not agreed on")

  // MARK: Verdicts

  private func verdict(_ answer: MilterAnswer, _ event: MilterEvent) -> MilterVerdict {
    switch answer {
    case .proceed, .skip, .progress: return .proceed
    case .accept:
      if event == .connect || event == .helo { finish() } else { isMessageAccepted = true }
      return .proceed
    case .discard:
      isMessageAccepted = true
      return .discard
    case .reject:
      note("rejected", event)
      return .refuse(SMTPReply(550, "5.7.1", "Command rejected"))
    case .tempfail:
      note("put off", event)
      return .refuse(SMTPReply(451, "4.7.1", "Service unavailable - try again later"))
    case .shutdown:
      return .refuse(SMTPReply(421, "4.7.0", "Server closing connection"))
    case .reply(let reply):
      note("answered \(reply.code)", event)
      return .refuse(reply)
    default:
      return fail(MilterFailure(text: "a change before the end of the message"))
    }
  }

  private func note(_ what: String, _ event: MilterEvent) {
    log.info("filter \(what)", metadata: ["filter": "\(settings.name)", "event": "\(event)"])
  }

  private func finish() {
    guard case .open(let link, _, _) = state else { return }
    state = .done
    link.close()
  }

  /// Notes a failure: the filter is asked no more in this session.
  private func fail(_ failure: MilterFailure) -> MilterVerdict {
    log.warning(
      "filter failed",
      metadata: [
        "filter": "\(settings.name)", "error": "\(failure.text)", "policy": "\(settings.onFailure.rawValue)",
      ])
    finish()
    state = settings.onFailure == .accept ? .done : .failed
    return isInMessage ? failureVerdict : .proceed
  }

  private var failureVerdict: MilterVerdict {
    switch settings.onFailure {
    case .accept: .proceed
    case .tempfail: .refuse(SMTPReply(451, "4.7.1", "Service unavailable - try again later"))
    case .reject: .refuse(SMTPReply(550, "5.5.0", "Service unavailable"))
    }
  }
}
