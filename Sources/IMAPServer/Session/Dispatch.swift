import MailStore
import Wire

/// From a framed command to the family that carries it out.
extension IMAPSession {
  func handle(_ incoming: IncomingCommand) async throws {
    switch incoming {
    case .refused(let tag, let refusal):
      answer(refusal, tag: tag)
    case .append(let head, let header):
      try await append(head, header)
    case .command(let bytes):
      if let (tag, command) = parse(bytes) { try await perform(command, tag: tag) }
    }
  }

  /// The command and its tag; `nil` when it was refused.
  ///
  /// Not inlined: see ``warn(_:_:)``.
  @inline(never)
  private func parse(_ bytes: [UInt8]) -> (tag: [UInt8], command: Command)? {
    do throws(GrammarError) {
      let parsed = try CommandParser.parse(bytes)
      switch parsed.command {
      case .success(let command): return (parsed.tag, command)
      case .failure(let error): answer(.bad(error.text), tag: parsed.tag)
      }
    } catch {
      answer(.bad(error.text), tag: nil)
    }
    return nil
  }

  /// Carries a command out and turns what went wrong into its answer.
  func perform(_ command: Command, tag: [UInt8]) async throws {
    try await answering(tag) {
      try self.checkState(command)
      if let current = self.selected, !current.isOwn {
        guard try await self.refreshRights() else {
          throw Refusal.no(.noPermission, "The mailbox may not be read any more")
        }
      }
      guard let watch = self.watch else { return try await self.run(command, tag: tag) }
      try await AccountEvents.$origin.withValue(watch.origin) { try await self.run(command, tag: tag) }
    }
    if watch != nil, command.changesMailboxes { try await answering(tag) { try await self.refreshWatch() } }
  }

  /// Runs a piece of a command; refusals and the store's errors become the tagged answer.
  func answering(_ tag: [UInt8], creating: Bool = false, _ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch let refusal as Refusal {
      answer(refusal, tag: tag)
    } catch let error as StoreError {
      answer(error, tag: tag, creating: creating)
    }
  }

  func answer(_ refusal: Refusal, tag: [UInt8]?) {
    switch refusal.status {
    case .no: tagged(tag ?? [UInt8(ascii: "*")], "NO", refusal.code, refusal.text)
    case .bad:
      tagged(tag ?? [UInt8(ascii: "*")], "BAD", refusal.code, refusal.text)
      badCommands += 1
      let most = user == nil ? limits.badCommandsBeforeLogin : limits.badCommands
      if badCommands >= most { bye(nil, "Too many invalid commands") }
    }
  }

  /// The answer to a failure of the store.
  func answer(_ error: StoreError, tag: [UInt8], creating: Bool) {
    answer(refusal(error, creating: creating), tag: tag)
    endIfUnusable(error)
  }

  /// Some failures end the session.
  func endIfUnusable(_ error: StoreError) {
    switch error.code {
    case .gone: bye(nil, "The selected mailbox was removed or rebuilt; please connect again")
    case .closed: bye(.unavailable, "Server is shutting down")
    default: break
    }
  }

  /// What a failure of the store means to a client; `creating`: it could make the missing folder (TRYCREATE).
  func refusal(_ error: StoreError, creating: Bool) -> Refusal {
    switch error.code {
    case .overQuota: return .no(.overQuota, "Quota exceeded (mailbox for user is full)")
    case .temporary:
      connection.log.warning("store: \(error)")
      return .no(.unavailable, "Temporary failure, try again later")
    case .noSuchFolder: return .no(creating ? .tryCreate : .nonExistent, "Mailbox does not exist")
    case .folderExists: return .no(.alreadyExists, "Mailbox already exists")
    case .badName: return .no(.cannot, "Invalid mailbox name: \(error.text)")
    case .notAllowed: return .no(.cannot, error.text)
    case .limit: return .no(.limit, error.text)
    case .noSuchMessage: return .no(.expungeIssued, "Some of the requested messages no longer exist")
    case .gone: return .no(.unavailable, "Mailbox was removed or rebuilt")
    case .closed: return .no(.unavailable, "Server is shutting down")
    }
  }

  /// RFC 3501 section 3: which commands belong to which state.
  private func checkState(_ command: Command) throws(Refusal) {
    switch command {
    case .capability, .noop, .logout, .id, .language: return
    case .startTLS, .authenticate, .login:
      guard user == nil else { throw .bad("Already logged in") }
    case .multiSearch:
      guard user != nil else { throw .bad("Log in first") }
      guard !enabled.uidOnly || !command.usesSequenceNumbers else { throw .uidRequired }
    case .check, .close, .unselect, .expunge, .search, .sort, .thread, .fetch, .store, .copy, .move, .cancelUpdates,
      .uidBatches:
      guard user != nil else { throw .bad("Log in first") }
      guard selected != nil else { throw .bad("No mailbox is selected") }
      guard !enabled.uidOnly || !command.usesSequenceNumbers else { throw .uidRequired }
    default:
      guard user != nil else { throw .bad("Log in first") }
    }
  }

  // Several functions, as a frame holds the payloads of all its cases at once, and sessions keep the deepest one.
  private func run(_ command: Command, tag: [UInt8]) async throws {
    switch command {
    case .capability: try await capability(tag)
    case .noop: try await noop(tag)
    case .check: try await noop(tag, "CHECK completed")
    case .logout: logout(tag)
    case .id(let parameters): identify(parameters, tag)
    case .startTLS: try await startTLS(tag)
    case .authenticate(let mechanism, let initial): try await authenticate(mechanism, initial, tag)
    case .login(let name, let password): try await login(name, password, tag)
    case .enable(let names): try await enable(names, tag)
    case .select(let argument, let readOnly): try await select(argument, readOnly: readOnly, tag)
    case .close: try await close(tag)
    case .unselect: unselect(tag)
    case .idle: try await idle(tag)
    case .create, .delete, .rename, .subscribe, .unsubscribe, .status, .namespace:
      try await runFolderCommand(command, tag: tag)
    case .list(let argument): try await list(argument, tag)
    case .lsub(let argument): try await lsub(argument, tag)
    case .getQuota, .getQuotaRoot, .setQuota, .getMetadata, .setMetadata, .notify, .rights, .compress, .unauthenticate,
      .language:
      try await runRareCommand(command, tag: tag)
    case .expunge, .search, .sort, .thread, .fetch, .store, .copy, .move, .multiSearch, .cancelUpdates, .uidBatches:
      try await runMessageCommand(command, tag: tag)
    }
  }

  private func runRareCommand(_ command: Command, tag: [UInt8]) async throws {
    switch command {
    case .getQuota(let root): try await getQuota(root, tag)
    case .getQuotaRoot(let name): try await getQuotaRoot(name, tag)
    case .setQuota: throw Refusal.no(.noPermission, "Only the administrator sets quotas")
    case .getMetadata(let query): try await getMetadata(query, tag)
    case .setMetadata(let name, let changes): try await setMetadata(name, changes, tag)
    case .rights(let command): try await runRightsCommand(command, tag: tag)
    case .notify(let argument): try await notify(argument, tag)
    case .compress(let mechanism): try await compress(mechanism, tag)
    case .unauthenticate: try await unauthenticate(tag)
    case .language(let ranges): try language(ranges, tag)
    default: break
    }
  }

  private func runMessageCommand(_ command: Command, tag: [UInt8]) async throws {
    switch command {
    case .expunge(let uids): try await expunge(uids, tag)
    case .search(let argument, let uid): try await search(argument, uid: uid, tag)
    case .multiSearch(let argument): try await multiSearch(argument, tag)
    case .uidBatches(let argument): try uidBatches(argument, tag)
    case .cancelUpdates(let tags): try cancelUpdates(tags, tag)
    case .sort(let argument, let uid): try await sort(argument, uid: uid, tag)
    case .thread(let argument, let uid): try await thread(argument, uid: uid, tag)
    case .fetch(let argument, let uid): try await fetch(argument, uid: uid, tag)
    case .store(let argument, let uid): try await store(argument, uid: uid, tag)
    case .copy(let set, let target, let uid): try await copy(set, to: target, uid: uid, moves: false, tag)
    case .move(let set, let target, let uid): try await copy(set, to: target, uid: uid, moves: true, tag)
    default: break
    }
  }
}
