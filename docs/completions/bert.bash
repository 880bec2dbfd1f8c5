# SPDX-License-Identifier: MIT
# Made by docs/man/generator (make man) of what `bert --help` says.
# shellcheck shell=bash

_bert_commands='info tokenize decode forward embed similarity search classify rerank tag answer next choose fill pack calibrate profile manifest mask serve bench help'
_bert_takes_files='pack calibrate'

# The options of a command.
_bert_options() {
    case $1 in
    info) echo '--families --build -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    tokenize) echo '--tokenizer --pair --no-special --max-length --truncation --strategy --stride --pad --offsets --ids-only --count --max-tokens -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json -q --quiet -v --verbose --progress -h --help -V --version' ;;
    decode) echo '--tokenizer --keep-special -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    forward) echo '--outputs --hidden-states --attentions --pair -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    embed) echo '-m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --pooling --normalize --no-normalize --dimensions --windows --stride --prompt --prompt-name --outputs --role --max-active --chunks --spans --quantize --ranges --calibrate --save-ranges --format --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    similarity) echo '-m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --pooling --normalize --no-normalize --dimensions --windows --stride --prompt --prompt-name --outputs --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    search) echo '--query --top --outputs -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --pooling --normalize --no-normalize --dimensions --windows --stride --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    classify) echo '--function --top --explain --pair -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    rerank) echo '--query --raw --top -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    tag) echo '--aggregate --stride --offsets -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    answer) echo '--question --top --no-null --max-answer --stride --offsets -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    next) echo '-m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    choose) echo '-m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    fill) echo '--top --targets -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    pack) echo '--no-head -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -q --quiet -v --verbose --progress -h --help -V --version' ;;
    calibrate) echo '-i --input --percentile --outliers --outlier-ratio --max-length -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -q --quiet -v --verbose --progress -h --help -V --version' ;;
    profile) echo '-m --model -t --threads --precision --calibration --cpu --verify --repack --no-map --check --window --step --false-alarms --sample --seed --name -i --input --jsonl -o --output --json --pooling --normalize --no-normalize --dimensions --windows --stride --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    manifest) echo '--golden --pair --check --links --json -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -q --quiet -v --verbose --progress -h --help -V --version' ;;
    mask) echo '--kinds --key -i --input --jsonl -o --output --json -q --quiet -v --verbose --progress -h --help -V --version' ;;
    serve) echo '--stdio -m --model --workers --queue --reject --batch-tokens --batch-wait-ms -t --threads --precision --calibration --cpu --verify --repack --no-map -q --quiet -v --verbose --progress -h --help -V --version' ;;
    bench) echo '--random --lengths --batches --seconds --texts -m --model -t --threads --precision --calibration --cpu --verify --repack --no-map -i --input --jsonl -o --output --json --max-tokens --max-length --truncation -q --quiet -v --verbose --progress -h --help -V --version' ;;
    esac
}

# What the value of an option of a command is; nothing: it takes none.
_bert_value() {
    case "$1 $2" in
    'forward --outputs') echo 'list last_hidden_state pooler_output hidden_states attentions logits start_logits end_logits prediction_logits seq_relationship_logits sop_logits' ;;
    'embed --outputs') echo 'list dense sparse multi' ;;
    'manifest --check') echo '' ;;
    *' -m' | *' --model') echo 'model' ;;
    *' -t' | *' --threads' | *' --max-tokens' | *' --max-length' | *' --stride' | *' --pad' | *' --dimensions' | *' --prompt' | *' --prompt-name' | *' --max-active' | *' --chunks' | *' --query' | *' --top' | *' --question' | *' --max-answer' | *' --targets' | *' --percentile' | *' --outliers' | *' --outlier-ratio' | *' --window' | *' --step' | *' --false-alarms' | *' --sample' | *' --seed' | *' --name' | *' --workers' | *' --queue' | *' --batch-tokens' | *' --batch-wait-ms' | *' --random' | *' --lengths' | *' --batches' | *' --seconds') echo 'any' ;;
    *' --precision') echo 'words fp32 bf16 int8 auto' ;;
    *' --calibration' | *' -i' | *' --input' | *' -o' | *' --output' | *' --tokenizer' | *' --ranges' | *' --calibrate' | *' --save-ranges' | *' --check' | *' --golden' | *' --key' | *' --texts') echo 'file' ;;
    *' --cpu') echo 'words scalar blas avx2 avx2_vnni avx512 avx512_vnni avx512_vnni_bf16 amx neon neon_dotprod neon_bf16 neon_i8mm' ;;
    *' --truncation') echo 'words right left none' ;;
    *' --strategy') echo 'words longest_first only_first only_second' ;;
    *' --offsets') echo 'words bytes chars' ;;
    *' --outputs') echo 'words dense sparse multi' ;;
    *' --pooling') echo 'words mean cls max mean_sqrt_len weighted last none' ;;
    *' --role') echo 'words query document' ;;
    *' --quantize') echo 'words int8 uint8 binary ubinary' ;;
    *' --format') echo 'words json npy csv bin' ;;
    *' --function') echo 'words auto softmax sigmoid none' ;;
    *' --aggregate') echo 'words simple none first average max' ;;
    *' --kinds') echo 'list email phone card iban ip url' ;;
    esac
}

# Sets COMPREPLY to those of the words $1 that begin with $cur.
_bert_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# The last of a list that is joined by commas.
_bert_list() {
    local before='' word
    [[ $cur == *,* ]] && before=${cur%,*},
    cur=${cur##*,}
    _bert_words "$1"
    for word in "${!COMPREPLY[@]}"; do
        COMPREPLY[word]=$before${COMPREPLY[word]}
    done
}

_bert_files() {
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    compopt -o filenames 2>/dev/null
}

# Sets `option` and `cur` where a value is being completed, and `before`, what of the word is to
# stay: "=" parts words, if COMP_WORDBREAKS has it.
_bert_find_option() {
    local back=1
    option='' before=''
    if [[ $cur == --*=* ]]; then
        option=${cur%%=*} before=${cur%%=*}= cur=${cur#*=}
        return
    fi
    if [[ $cur == = ]]; then
        cur=''
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
        back=2
    fi
    # NAME=DIR is three words as well.
    [[ $back == 2 && ${COMP_WORDS[COMP_CWORD - 2]} != -* ]] && back=3
    ((COMP_CWORD - back > 1)) && option=${COMP_WORDS[COMP_CWORD - back]}
}

_bert() {
    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} option before value i

    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _bert_words "$_bert_commands --help --version"
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            [[ " $_bert_takes_files " == *" $command "* ]] && _bert_files
            return
        fi
    done
    _bert_find_option
    value=$(_bert_value "$command" "$option")
    case $value in
    'file' | 'model') _bert_files ;;
    'any') ;;
    'words '*) _bert_words "${value#words }" ;;
    'list '*) _bert_list "${value#list }" ;;
    *)
        if [[ $command == help && $COMP_CWORD == 2 ]]; then
            _bert_words "$_bert_commands"
        elif [[ $cur == -* ]]; then
            _bert_words "$(_bert_options "$command")"
        elif [[ " $_bert_takes_files " == *" $command "* ]]; then
            _bert_files
        fi
        return ;;
    esac
    for i in "${!COMPREPLY[@]}"; do
        COMPREPLY[i]=$before${COMPREPLY[i]}
    done
}

complete -F _bert bert
