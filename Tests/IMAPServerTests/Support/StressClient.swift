import Testing
import WireTesting

@testable import IMAPServer

/// What no two clients may both be told.
actor StressLedger {
  private var changes: Set<[Int]> = []
  private var assigned: [String: Set<Int>] = [:]

  /// A conditional STORE that went through; `false` when another one went through on the same state.
  func change(_ mailbox: Int, _ uid: Int, since modSeq: Int) -> Bool {
    changes.insert([mailbox, uid, modSeq]).inserted
  }

  /// UIDs that were given out; `false` when one was given before.
  func assign(_ mailbox: String, _ uids: [Int]) -> Bool {
    uids.allSatisfy { assigned[mailbox, default: []].insert($0).inserted }
  }
}

/// One client of `StressTests`: 0 is plain, 1 follows MODSEQs, 2 comes back with QRESYNC, the last two work on the other
/// mailbox.
struct StressClient {
  private let host: IMAPHost
  private let number: Int
  private let ledger: StressLedger
  private let model: ModelClient
  private let mailbox: String
  /// Where copies go.
  private let target: String
  private var random: SeededRandom
  /// What was known at some time, and the highest MODSEQ then.
  private var checkpoint: (messages: [ModelClient.Message], modSeq: Int)?

  private var isQuick: Bool { number == 2 }
  private var knowsModSeq: Bool { number == 1 || isQuick || number == 5 }

  /// Changes things at random, then compares what it knows with what is there.
  ///
  /// - Returns: what does not fit.
  static func wander(
    _ host: IMAPHost, _ number: Int, _ gathering: Gathering, _ ledger: StressLedger, rounds: Int, seed: UInt64
  ) async -> [String] {
    var failure: String?
    var client: StressClient?
    do {
      var made = try await StressClient(host, number, ledger, seed: seed)
      defer { client = made }
      try await made.enter()
      for _ in 0..<rounds { try await made.step() }
    } catch {
      failure = "client \(number): \(error)"
    }
    // From here on nobody changes anything: what each knows must be what is there.
    await gathering.arrive()
    if let failure { return [failure] + (client?.model.contradictions ?? []) }
    do {
      return try await client?.compare() ?? []
    } catch {
      return ["client \(number): \(error)"]
    }
  }

  private init(_ host: IMAPHost, _ number: Int, _ ledger: StressLedger, seed: UInt64) async throws {
    self.host = host
    self.number = number
    self.ledger = ledger
    model = ModelClient(try await host.login(), name: "client \(number)")
    (mailbox, target) = number < 4 ? ("work", "other") : ("other", "work")
    random = SeededRandom(seed: UInt64(number) &+ seed)
  }

  private func enter() async throws {
    if isQuick {
      try await model.run("ENABLE QRESYNC")
    } else if knowsModSeq {
      try await model.run("ENABLE CONDSTORE")
    }
    try await model.select(mailbox)
  }

  private mutating func step() async throws {
    if model.messages.count > 60 { try await clear() }
    let count = model.messages.count
    let some = count == 0 ? "1:*" : "\(Int.random(in: 1...count, using: &random))"
    let range =
      count == 0 ? "1:*" : "\(Int.random(in: 1...count, using: &random)):\(Int.random(in: 1...count, using: &random))"
    let flag = ["\\Seen", "\\Flagged", "\\Answered", "$Work", "\\Draft"].randomElement(using: &random) ?? "\\Seen"
    switch Int.random(in: 0..<22, using: &random) {
    case 0, 1: try await append(to: mailbox, flag)
    case 2: try await model.run("STORE \(range) +FLAGS (\(flag))")
    case 3: try await model.run("STORE \(range) -FLAGS (\(flag))")
    case 4: try await model.run("STORE \(some) +FLAGS.SILENT (\\Deleted)")
    case 5: try await model.run("EXPUNGE")
    case 6: try await model.run("NOOP")
    case 7: try await model.run("FETCH \(range) (UID FLAGS)")
    case 8: try await model.run("FETCH \(some) (UID BODY[HEADER])")
    case 9: try await model.run("SEARCH \(flag == "\\Seen" ? "SEEN" : "UNDELETED") SUBJECT meeting")
    case 10: try await model.run("UID FETCH 1:* (FLAGS)")
    case 11: try await transfer("COPY", some)
    case 12: try await model.run("UID SEARCH FLAGGED")
    case 13: try await transfer("MOVE", some)
    case 14: try await model.run("UID STORE 1:* +FLAGS.SILENT (\(flag))")
    case 15: try await model.idle()
    case 16: try await append(to: target, flag)
    case 17, 18: try await storeConditionally(flag)
    case 19: try await expungeSome()
    case 20: try await remember()
    default: try await model.run("CHECK")
    }
    // RFC 7162 section 3.2.10: VANISHED makes sense to a client only that knows all UIDs.
    if isQuick, model.messages.contains(where: { $0.uid == nil }) { try await model.run("UID FETCH 1:* (FLAGS)") }
  }

  // MARK: Steps

  private func append(to name: String, _ flag: String) async throws {
    let done = try await model.run("APPEND \(name) (\(flag)) {\(rfcMessage.utf8.count)+}\r\n\(rfcMessage)")
    let words = done.split { $0 == " " || $0 == "]" }
    guard let code = words.firstIndex(of: "[APPENDUID"), code + 2 < words.count, let uid = Int(words[code + 2]) else {
      return model.complain("no APPENDUID: \(done)")
    }
    guard await ledger.assign(name, [uid]) else { return model.complain("UID \(uid) was given before") }
  }

  private func transfer(_ verb: String, _ number: String) async throws {
    let place = Int(number) ?? 0
    let known =
      (1...max(1, model.messages.count)).contains(place) ? model.messages.dropFirst(place - 1).first?.uid : nil
    let done = try await model.run("\(verb) \(number) \(target)")
    guard verb == "COPY", let code = done.range(of: "[COPYUID ") else { return }
    let words = done[code.upperBound...].prefix { $0 != "]" }.split(separator: " ")
    guard words.count == 3, let source = Int(words[1]), let uid = Int(words[2]) else {
      return model.complain("odd COPYUID: \(done)")
    }
    if let known, known != source { model.complain("COPYUID of \(source) for number \(number), which is \(known)") }
    guard await ledger.assign(target, [uid]) else { return model.complain("UID \(uid) was given before") }
  }

  /// Changes a message if nobody else has since; of two who try on the same state, one may succeed.
  private mutating func storeConditionally(_ flag: String) async throws {
    guard knowsModSeq, let known = model.messages.filter({ $0.modSeq != nil }).randomElement(using: &random),
      let uid = known.uid, let flags = known.flags, let modSeq = known.modSeq
    else { return }
    let sign = flags.contains(flag) ? "-" : "+"
    let done = try await model.run("UID STORE \(uid) (UNCHANGEDSINCE \(modSeq)) \(sign)FLAGS (\(flag))")
    guard done.contains(" OK ") else { return }
    let after = model.messages.first { $0.uid == uid }
    if done.contains("[MODIFIED ") {
      if let after, let now = after.modSeq, now <= modSeq { model.complain("MODIFIED, but not since \(modSeq)") }
    } else if let after, after.flags?.contains(flag) == (sign == "+"), let now = after.modSeq, now > modSeq {
      let key = mailbox == "work" ? 0 : 1
      if await !ledger.change(key, uid, since: modSeq) { model.complain("both stored on \(uid) since \(modSeq)") }
    }
  }

  private mutating func expungeSome() async throws {
    guard let uid = model.messages.compactMap(\.uid).randomElement(using: &random) else { return }
    try await model.run("UID STORE \(uid) +FLAGS (\\Deleted)")
    try await model.run("UID EXPUNGE \(uid)")
    if model.messages.contains(where: { $0.uid == uid && $0.flags?.contains("\\Deleted") == true }) {
      model.complain("UID \(uid) was not expunged")
    }
  }

  /// Keeps the mailbox small, so that many rounds can be gone.
  private func clear() async throws {
    try await model.run("STORE 1:30 +FLAGS (\\Deleted)")
    try await model.run("EXPUNGE")
  }

  /// Notes all that is known, to come back to it at the end.
  private mutating func remember() async throws {
    guard isQuick else { return }
    try await model.run("FETCH 1:* (UID FLAGS MODSEQ)")
    let highest = model.messages.compactMap(\.modSeq).max() ?? 1
    try await model.run("NOOP")
    guard model.messages.allSatisfy({ $0.uid != nil }) else { return }
    checkpoint = (model.messages, highest)
  }

  // MARK: The end

  private func compare() async throws -> [String] {
    try await model.run("NOOP")
    let told = model.messages
    try await model.run("FETCH 1:* (UID FLAGS\(knowsModSeq ? " MODSEQ" : ""))")
    let fresh = ModelClient(try await host.login(), name: "fresh \(number)")
    try await fresh.select(mailbox)
    try await fresh.run("FETCH 1:* (UID FLAGS MODSEQ)")
    var complaints = model.contradictions + fresh.contradictions
    if model.messages.map(\.uid) != fresh.messages.map(\.uid) { complaints.append("client \(number) has another view") }
    for (known, real) in zip(told, fresh.messages) {
      let differs = known.flags != nil && known.flags != real.flags
      let isBehind = knowsModSeq && known.modSeq != nil && known.modSeq != real.modSeq
      if differs || isBehind { complaints.append("client \(number) was never told that \(known) is \(real)") }
    }
    if let checkpoint { complaints += try await comeBack(checkpoint.messages, checkpoint.modSeq, fresh) }
    return complaints
  }

  /// QRESYNC brings an old state to the present (RFC 7162 section 3.2.5).
  private func comeBack(
    _ messages: [ModelClient.Message], _ modSeq: Int, _ fresh: ModelClient
  ) async throws -> [String] {
    let back = ModelClient(try await host.login(), name: "client \(number), back since \(modSeq)")
    try await back.run("ENABLE QRESYNC")
    let validity = fresh.uidValidity ?? 0
    try await back.select(mailbox, " (QRESYNC (\(validity) \(modSeq)))", knowing: messages)
    var complaints = back.contradictions
    if back.messages.map(\.uid) != fresh.messages.map(\.uid) {
      complaints.append(
        "\(back.name) knows \(back.messages.map { $0.uid ?? 0 }), not \(fresh.messages.map { $0.uid ?? 0 })")
    }
    for (known, real) in zip(back.messages, fresh.messages) where known != real {
      complaints.append("\(back.name) was never told that \(known) is \(real)")
    }
    return complaints
  }
}
